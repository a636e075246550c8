"""Run as a program: filters over arrays that end, or begin, at a page which no process may touch. What reads or writes a
sample too far ends it by a signal; the last line printed says what it was doing."""

import ctypes
import mmap
import random
import sys
import types
from dataclasses import replace

import numpy as np

import imconv
from imconv.engine import bordered_rows, buffers, held_rows, results, stage, threads
from imconv.engine.drive import stream
from imconv.filters.apply import apply
from imconv.filters.blur_kernels import box_kernel, gaussian_kernel
from imconv.kernel.kernel import Kernel
from imconv.options import Options
from imconv.stages.convolution import box, decimated, dense, lines, separable
from imconv.stages.convolution import work as bands
from imconv.stages.convolution.filter import LinearFilter
from imconv.stages.ranking import algorithms, task
from imconv.stages.ranking import work as rank_bands
from imconv.stages.ranking.filter import RankFilter
from imconv.stages.ranking.footprint import make_footprint

PAGE = mmap.PAGESIZE
LIBC = ctypes.CDLL(None)
LIBC.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
at_front = False


def empty(shape, dtype=float) -> np.ndarray:
    """As np.empty, between two forbidden pages."""
    dtype = np.dtype(dtype)
    shape = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if not size:
        return np.empty(shape, dtype)
    pages = -(-size // PAGE)
    room = np.frombuffer(mmap.mmap(-1, (pages + 2) * PAGE), np.uint8)
    for forbidden in (room.ctypes.data, room.ctypes.data + (pages + 1) * PAGE):
        assert LIBC.mprotect(forbidden, PAGE, 0) == 0
    start = PAGE if at_front else (pages + 1) * PAGE - size
    return room[start : start + size].view(dtype).reshape(shape)


class Guarding(types.ModuleType):
    """numpy with another `empty`."""

    def __getattr__(self, name):
        return getattr(np, name)


def guarded(array: np.ndarray) -> np.ndarray:
    copy = empty(array.shape, array.dtype)
    copy[...] = array
    return copy


def some_kernel():
    kind = random.randrange(4)
    if kind == 0:
        return Kernel(np.random.default_rng(1).random((random.randint(1, 9), random.randint(1, 9))))
    if kind == 1:
        return box_kernel((random.randint(1, 100), random.randint(1, 100)))
    most = 4 if kind == 2 else 60
    return gaussian_kernel((random.uniform(0.1, most), random.uniform(0.1, most)))


def some_rank(options: Options) -> RankFilter:
    size = random.choice([3, 5, (random.randint(1, 12), random.randint(1, 12)), (random.randint(1, 40), 3)])
    footprint = make_footprint(size, random.choice(["square", "square", "disk", "plus"]))
    algorithm = random.choice([None, *algorithms.BY_NAME])
    return RankFilter(footprint, random.choice([0.0, 50.0, 50.0, 80.0, 100.0]), options, algorithm)


def try_one() -> None:
    global at_front
    at_front = random.random() < 0.3
    dtype = random.choice(["uint8", "uint16", "float32", "float64"])
    shape = (random.choice([1, 2, 17, 63, 200]), random.choice([1, 7, 16, 33, 64, 65, 127, 333]), random.randint(1, 4))
    alpha = random.choice(["weight", "keep", "unweighted", "separate", None]) if shape[2] in (2, 4) else None
    options = Options(
        border=random.choice(["reflect", "mirror", "nearest", "constant:7", "wrap"]),
        pad=random.choice(["same", "same", "full", "3,1"]),
        stride=random.choice([1, 1, 2, 3, (1, 2), (5, 4)]),
        dilation=random.choice([1, 1, 1, 2, (3, 1)]),
        alpha=alpha,
        has_alpha=alpha is not None,
    )
    work = some_rank(replace(options, alpha=None)) if random.random() < 0.4 else LinearFilter(some_kernel(), options)
    print(f"{dtype} {shape} {work}", flush=True)
    image = guarded((np.random.default_rng(0).random(shape) * 255).astype(dtype))
    try:
        whole = apply(work, image, threads=random.choice([1, 2, 3]))
        plan = work.plan(image.shape, image.dtype, alpha is not None)
    except imconv.ImconvError:
        return
    stage.STRIPE_BYTES = decimated.STRIPE_BYTES = random.choice([1, 5000])
    parts = (guarded(image[y : y + 13]) for y in range(0, len(image), 13))
    assert np.concatenate(list(stream(plan, parts, threads=2))).tobytes() == whole.tobytes()


if __name__ == "__main__":
    threads.WORTH_THREADS = 0.0
    numpy = Guarding("numpy")
    numpy.empty = empty
    engine = bordered_rows, buffers, held_rows, results
    for module in (*engine, bands, box, decimated, dense, lines, separable, rank_bands, algorithms, task):
        module.np = numpy
    random.seed(int(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        try_one()
