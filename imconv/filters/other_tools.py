"""Facts about other tools, for `like`: their borders, anchors, directions and roundings, with sources."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import OptionError, nearest
from ..pixels.rounding import HALF_UP


@dataclass(frozen=True)
class Tool:
    """The facts about a tool.

    `direction` is what its `apply` computes: "convolution", "correlation", "either" (convolution unless correlation is
    asked for), or "bottom up": correlation with the kernel's rows from the last to the first.
    """

    name: str  # the value of `--like`
    calls: dict[str, str]  # for each command the tool's function whose result is matched
    border: str  # its default border
    low: bool  # whether the anchor of an even size is `(size - 1) // 2` instead of `size // 2`
    direction: str
    rounding: str  # how it rounds integer results of `apply`
    alpha: str  # its alpha policy
    support: str  # the support of its Gaussian
    equal: str  # how closely imconv matches it
    source: str  # files of its source code that show these facts

    @property
    def anchor(self) -> str:
        """The rule for the anchor of an axis, as a formula."""
        return "(size - 1) // 2" if self.low else "size // 2"


_ALL = (
    Tool(
        "scipy",
        {"blur": "ndimage.gaussian_filter", "box": "ndimage.uniform_filter", "apply": "ndimage.convolve", "median": "ndimage.median_filter"},
        "reflect", False, "either", "toward zero", "separate",
        "radius int(4 sigma + 0.5)",
        "bit for bit; a box of floats within 1e-12, float32 1e-6; where scipy wraps around, saturated",
        "scipy/ndimage/_filters.py, src/ni_filters.c",
    ),
    Tool(
        "opencv",
        {"blur": "GaussianBlur(image, (0, 0), sigma)", "box": "blur", "apply": "filter2D", "median": "medianBlur"},
        "mirror", False, "correlation", "half to even", "separate",
        "radius round(3 sigma) for 8 bits, else round(4 sigma)",
        "GaussianBlur of 8 and 16 bits, and blur up to 256 taps, bit for bit; else 1 level next to a tie, floats 1e-6",
        "modules/imgproc/src/smooth.dispatch.cpp, box_filter.simd.hpp, filter.simd.hpp",
    ),
    Tool(
        "pillow",
        {"blur": "ImageFilter.GaussianBlur", "box": "ImageFilter.BoxBlur((size - 1) / 2)", "apply": "ImageFilter.Kernel", "median": "ImageFilter.MedianFilter"},
        "nearest", False, "bottom up", HALF_UP, "separate",
        "three boxes with fractional rims",
        "bit for bit; Kernel: 1 level next to a tie; 8 bits only, Kernel 3x3 and 5x5 only, whose edges stay as they are",
        "src/libImaging/BoxBlur.c (Gwosdek and others 2011), Filter.c",
    ),
    Tool(
        "imagemagick",
        {"blur": "-blur 0xS", "box": "-morphology Convolve", "apply": "-morphology Convolve", "median": "-statistic Median"},
        "nearest", True, "either", HALF_UP, "weight",
        "until a weight is below 1/65535",
        "version 6, Q16: bit for bit, as it writes TIFF; with alpha 1 level",
        "magick/gem.c (GetOptimalKernelWidth1D), morphology.c",
    ),
    Tool(
        "vips",
        {"blur": "gaussblur", "box": "conv, with ones", "apply": "conv", "median": "median"},
        "nearest", False, "correlation", "toward zero", "separate",
        "until a weight is below 0.2; integer weights of 20",
        "bit for bit, conv but for results next to whole numbers; gaussblur of 8 bits without its vector code, which is off by some levels",
        "libvips/create/gaussmat.c, convolution/convi.c, convf.c",
    ),
    Tool(
        "torch",
        {"blur": "-", "box": "conv2d, with 1 / taps", "apply": "conv2d(padding='same')", "median": "-"},
        "constant", True, "correlation", HALF_UP, "separate",
        "radius int(4 sigma + 0.5), for it has no Gaussian of its own",
        "floats 1e-6; it has no others",
        "torch/nn/functional.py (conv2d)",
    ),
)  # fmt: skip

TOOLS = {tool.name: tool for tool in _ALL}


def find(name: str) -> Tool:
    """The tool of this name; OptionError, which proposes the nearest name, if there is none."""
    word = str(name).strip().lower()
    if word not in TOOLS:
        raise OptionError(f"unknown tool {name!r}; like is one of {', '.join(TOOLS)}{nearest(word, TOOLS)}")
    return TOOLS[word]


def adopted(tool: Tool, options, border: str | None):
    """A filter's options with the tool's border, unless the user gave `border`, and its alpha policy, unless they have one."""
    # an array does not say whether it has alpha, so "weight", the default, must not be set
    default = None if tool.alpha == "weight" else tool.alpha
    return replace(options, border=tool.border if border is None else border, alpha=options.alpha or default)


def note(tool: Tool, command: str, options, *more: str) -> str:
    """The line of a printed plan that names the matched tool; `more` are further facts."""
    facts = [f"border {options.border}", f"alpha {options.alpha or 'weight'}", *more]
    call = "" if tool.calls[command] == "-" else f" {tool.calls[command]}"
    return f"like           {tool.name}{call}: {', '.join(facts)}"
