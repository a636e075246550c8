"""What is measured: pictures (size, channels, pixel type) times operations with their parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import numpy as np

CHANNEL_NAMES = {1: "grey", 3: "RGB", 4: "RGBA"}
NAMES = {"log": "LoG"}
TITLES = {"sharpen": "sharpen 3x3", "sobel": "Sobel magnitude"}
SOBEL_SLOPE = 8  # what its whole numbers answer to a ramp of slope 1: imconv's answers are divided by it

# Every rival can repeat the edge pixels by itself; another border would make some of them pad by hand or drop out.
DEFAULT_BORDER = "nearest"
BORDERS = ("nearest", "reflect", "mirror", "constant", "wrap")

# Standard deviations on each side of a Gaussian: scipy's and imconv's, given to every rival that takes it.
TRUNCATE = 4.0
RANGE = 30 / 255  # a bilateral filter's, as a share of white
EPS, THRESHOLD = 0.01, "10%"  # of a guided filter: the first is the square of the second, with white as 1
LOCAL = ("bilateral", "guided", "deviation")
LOG_REACH = 3.5  # and of a Laplacian of a Gaussian

TWELVE_MEGAPIXELS = (3000, 4000)
ONE_MEGAPIXEL = (1000, 1000)
SMALL = (256, 256)


RANKS = ("median", "minimum", "maximum")


@dataclass(frozen=True)
class Frame:
    """A picture's format: what `photograph.photograph` fills."""

    rows: int
    columns: int
    channels: int = 1
    dtype: str = "uint8"

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.rows, self.columns) if self.channels == 1 else (self.rows, self.columns, self.channels)

    @property
    def megapixels(self) -> float:
        return self.rows * self.columns / 1e6

    @property
    def is_integer(self) -> bool:
        return np.dtype(self.dtype).kind in "iu"

    def __str__(self) -> str:
        return f"{CHANNEL_NAMES[self.channels]} {self.dtype} {self.rows} x {self.columns}"


@dataclass(frozen=True)
class Case:
    """One operation on one frame. `size` counts for dense, box and log, `sigma` for Gaussian."""

    frame: Frame
    # "dense", "gaussian", "box", "sharpen", "sobel" (magnitude), one of LOCAL, or "log" for a Laplacian of a Gaussian
    operation: str
    size: int = 3
    sigma: float = 0.0
    stride: int = 1
    dilation: int = 1
    border: str = DEFAULT_BORDER

    @property
    def ranks(self) -> bool:
        """Whether samples are ranked: results are samples, and every library's are the same."""
        return self.operation in RANKS

    @property
    def title(self) -> str:
        if self.operation == "gaussian":
            return f"Gaussian sigma {self.sigma:g}"
        if self.operation in TITLES:
            return TITLES[self.operation]
        text = f"{NAMES.get(self.operation, self.operation)} {self.size}x{self.size}"
        text += f", stride {self.stride}" if self.stride > 1 else ""
        return text + (f", dilation {self.dilation}" if self.dilation > 1 else "")

    def __str__(self) -> str:
        return f"{self.title} | {self.frame}"

    @property
    def white(self) -> int:
        """The largest sample; 1 for floats."""
        return np.iinfo(self.frame.dtype).max if self.frame.is_integer else 1

    @property
    def radius(self) -> int:
        """Pixels the operation reaches on each side."""
        if self.operation == "gaussian":
            return int(TRUNCATE * self.sigma + 0.5)
        return self.dilation * (self.size // 2)

    @property
    def work(self) -> int:
        """Samples that are looked at, for all results together, by who goes through the whole window or its sides."""
        taps = 2 * (2 * self.radius + 1) if self.operation == "gaussian" else self.size**2
        return int(np.prod(self.result_shape)) * taps

    @property
    def result_shape(self) -> tuple[int, ...]:
        rows, columns, *channels = self.frame.shape
        return (-(-rows // self.stride), -(-columns // self.stride), *channels)

    @property
    def weights(self) -> np.ndarray:
        """The correlation kernel of a dense, sharpening or log case, float64, not yet dilated."""
        if self.operation == "sharpen":
            weights = np.full((3, 3), -1 / 9)
            weights[1, 1] += 2
            return weights
        if self.operation == "dense":
            # random weights have full rank: no factorisation saves anybody work; sum 1 keeps results in range
            weights = np.random.default_rng(self.size).random((self.size, self.size)) + 0.1
            return weights / weights.sum()
        if self.operation == "log":
            x = np.arange(self.size) - self.size // 2
            half = (x * x + (x * x)[:, None]) * (LOG_REACH / (self.size // 2)) ** 2 / 2
            weights = (1 - half) * np.exp(-half)  # a sum of two outer products
            return weights / np.abs(weights).sum()
        raise ValueError(f"{self.operation} has no 2-D weights here")

    @property
    def dilated_weights(self) -> np.ndarray:
        """The weights with zeros between them: what a library without dilation is given."""
        weights = self.weights
        dilated = np.zeros([self.dilation * (n - 1) + 1 for n in weights.shape])
        dilated[:: self.dilation, :: self.dilation] = weights
        return dilated

    @property
    def gaussian_weights(self) -> np.ndarray:
        """The 1-D weights of a Gaussian case."""
        x = np.arange(-self.radius, self.radius + 1)
        weights = np.exp(-0.5 * (x / self.sigma) ** 2)
        return weights / weights.sum()

    def as_dict(self) -> dict:
        """For the JSON file."""
        fields = asdict(self)
        return {"title": self.title, "frame_name": str(self.frame), "megapixels": self.frame.megapixels, **fields}


def default_cases(size: tuple[int, int] = TWELVE_MEGAPIXELS) -> list[Case]:
    """What `python -m benchmarks` runs; with ONE_MEGAPIXEL what `--quick` runs."""
    frames = [
        Frame(*size, channels, dtype) for channels, dtype in ((1, "uint8"), (3, "uint8"), (1, "float32"), (1, "uint16"))
    ]
    return list(_grid(frames, dense=(3, 5, 7, 11, 15, 31), sigmas=(1, 2, 5, 20), boxes=(3, 11, 101)))


def local_cases(size: tuple[int, int] = TWELVE_MEGAPIXELS) -> list[Case]:
    """What `python -m benchmarks --local` runs: filters that keep edges, and deviations."""
    frames = [
        Frame(*each, channels, dtype)
        for each in dict.fromkeys((ONE_MEGAPIXEL, size))
        for channels, dtype in ((1, "uint8"), (3, "uint8"), (1, "float32"))
    ]
    return [
        case
        for frame in frames
        for case in (
            Case(frame, "bilateral", 9, sigma=3),
            Case(frame, "guided", 17),
            Case(frame, "deviation", 5),
            Case(frame, "deviation", 31),
        )
    ]


def full_cases() -> list[Case]:
    """The whole grid: small to large pictures, with alpha filtered like a colour, more sizes and sigmas."""
    kinds = [(channels, dtype) for dtype in ("uint8", "uint16", "float32") for channels in CHANNEL_NAMES]
    frames = [Frame(*size, *kind) for size in (SMALL, ONE_MEGAPIXEL, TWELVE_MEGAPIXELS) for kind in kinds]
    sigmas = (0.5, 1, 2, 5, 10, 20, 50, 100)
    return list(_grid(frames, dense=range(3, 32, 2), sigmas=sigmas, boxes=(3, 5, 11, 21, 51, 101, 201)))


def rank_cases(*sizes: tuple[int, int]) -> list[Case]:
    """Medians and minima: what `python -m benchmarks --ranks` runs; default: on pictures of 1 and of 12 megapixels."""
    found = []
    for size in sizes or (ONE_MEGAPIXEL, TWELVE_MEGAPIXELS):
        grey, colour, deep, real = (Frame(*size, *more) for more in ((), (3,), (1, "uint16"), (1, "float32")))
        found += [Case(frame, "median", k) for frame in (grey, colour, deep, real) for k in (3, 5, 11)]
        found += [Case(grey, "median", 31)]  # of colours scipy takes minutes
        found += [Case(frame, "minimum", k) for frame in (grey, colour, real) for k in (3, 15, 61)]
    return found


def with_border(cases: list[Case], border: str) -> list[Case]:
    return [replace(case, border=border) for case in cases]


def _grid(frames, dense, sigmas, boxes) -> Iterator[Case]:
    for frame in frames:
        yield from (Case(frame, "dense", size) for size in dense)
        yield Case(frame, "dense", 5, stride=2)
        yield Case(frame, "dense", 5, dilation=2)
        yield from (Case(frame, "gaussian", sigma=sigma) for sigma in sigmas)
        yield from (Case(frame, "box", size) for size in boxes)
        yield Case(frame, "sharpen")
        yield Case(frame, "sobel")
