"""Words of other tools, and what to write here instead: commands, options, and ImageMagick's ways to write them."""

from __future__ import annotations

import re
from collections.abc import Collection

# a command's name elsewhere: what it is here
COMMANDS = {
    **dict.fromkeys(("gaussian", "gauss", "gaussian-blur", "gaussblur", "gblur"), "blur"),
    **dict.fromkeys(("mean", "average", "boxblur", "box-blur", "uniform"), "box"),
    **dict.fromkeys(("lens", "defocus"), "disk"),
    **dict.fromkeys(("motionblur", "motion-blur"), "motion"),
    **dict.fromkeys(("usm", "unsharp-mask", "unsharpen"), "unsharp"),
    **dict.fromkeys(("edge", "sobel"), "edges"),
    **{name: f"edges --operator {name}" for name in ("scharr", "prewitt", "roberts", "kirsch", "laplacian", "log", "dog")},
    "laplace": "edges --operator laplacian",
    **dict.fromkeys(("std", "stdev", "stddev"), "deviation"),
    **dict.fromkeys(("despeckle", "denoise"), "median"),
    **dict.fromkeys(("erode", "erosion", "minimum"), "min"),
    **dict.fromkeys(("dilate", "dilation", "maximum"), "max"),
    "percentile": "rank",
    "opening": "open",
    "closing": "close",
    "blackhat": "tophat --black",
    **dict.fromkeys(("convolve", "convolution", "conv", "filter"), "apply"),
    "correlate": "apply --correlate",
    **dict.fromkeys(("pipeline", "pipe"), "chain"),
    "kernel": "kernels",
    **dict.fromkeys(("gray", "greyscale", "grayscale", "desaturate", "luma"), "grey"),
    **dict.fromkeys(("negate", "negative"), "invert"),
    **dict.fromkeys(("mirror", "flop"), "flip"),
    **dict.fromkeys(("turn", "rot90"), "rotate"),
    **dict.fromkeys(("extract", "cut"), "crop"),
    **dict.fromkeys(("copy", "save", "cp"), "convert"),
    **dict.fromkeys(("pooling", "maxpool", "max-pool"), "pool --op max"),
    **dict.fromkeys(("avgpool", "avg-pool"), "pool --op avg"),
    **dict.fromkeys(("nets", "network", "networks"), "net"),
    **dict.fromkeys(("view", "display", "cat"), "show"),
    **dict.fromkeys(("identify", "exif", "header"), "info"),
    **dict.fromkeys(("diff", "psnr", "ssim"), "compare"),
}  # fmt: skip

# what imconv has no command for: the nearest thing that works
NEAREST = {
    "canny": "imconv edges INPUT OUTPUT --operator sobel shows edges without thinning them",
    **dict.fromkeys(
        ("resize", "thumbnail", "scale", "downsample", "shrink"),
        "imconv pool INPUT OUTPUT --op avg --size 2 halves a picture, other sizes divide it by more",
    ),
}

# an option elsewhere: options here, of which the command's first is meant; a radius N is a size of 2 N + 1
OPTIONS = {
    "-s": ("--sigma", "--size"),
    "--eps": ("--threshold",),
    **dict.fromkeys(("--std", "--stddev", "--sd"), ("--sigma",)),
    **dict.fromkeys(("-r", "--radius"), ("--radius", "--sigma", "--size")),
    **dict.fromkeys(("--ksize", "--kernel-size", "--window", "--width"), ("--size",)),
    **dict.fromkeys(("--strength", "--factor", "-a"), ("--amount",)),
    **dict.fromkeys(("--mode", "--padding-mode", "-b"), ("--border",)),
    "-j": ("--jobs", "--threads"),
    **dict.fromkeys(("-t", "--type"), ("--format", "--threads")),
}
PLACES = {"-i": "INPUT", "--input": "INPUT", "-o": "OUTPUT", "--output": "OUTPUT"}  # which are options elsewhere

# ImageMagick's operations with their arguments: commands, and the option that takes the sigma or the size
IMAGEMAGICK = {
    "-blur": "blur --sigma",
    "-gaussian-blur": "blur --sigma",
    "-unsharp": "unsharp --sigma",
    "-sharpen": "unsharp --sigma",
    "-median": "median --size",
}
_GEOMETRY = r"(\d+(?:\.\d+)?)(?:x(\d+(?:\.\d+)?))?(?:[+-].*)?"  # RADIUSxSIGMA and what follows


def understood(args: list[str], commands: Collection[str]) -> list[str]:
    """The words of a command line with `help COMMAND` as `COMMAND --help`."""
    if args[:1] == ["help"] and "help" not in commands:
        return [*args[1:], "--help"]
    return args


def command_for(args: list[str]) -> str | None:
    """What to write instead of a command line that begins with another tool's word; None if the word is unknown."""
    import shlex

    word = args[0].lower()
    if word in COMMANDS:
        return f"write: imconv {COMMANDS[word]} {shlex.join(args[1:])}".rstrip()
    return NEAREST.get(word)


def option_for(typed: str, args: list[str], options: Collection[str]) -> str | None:
    """What to write instead of another tool's option, in a command with these options; None where nothing is like it."""
    wanted = next((option for option in OPTIONS.get(typed, ()) if option in options), None)
    value = _value_of(typed, args)
    if wanted is None:
        place = PLACES.get(typed)
        return place and f"it takes {place} as a word of its own, without an option"
    if wanted == "--size" and "radius" in (typed.lstrip("-"), {"-r": "radius"}.get(typed)) and value.isdigit():
        value = str(2 * int(value) + 1)
    if typed == "--eps":  # of the guided filter's paper: a variance where white is 1
        try:
            value = f"{100 * float(value) ** 0.5:.3g}%"
        except (TypeError, ValueError):
            value = "10%"
    return f"write {wanted} {value}".rstrip()


def imagemagick(args: list[str]) -> str | None:
    """The command for a command line with one of ImageMagick's operations; None for any other."""
    at = next((i for i, word in enumerate(args) if word in IMAGEMAGICK), None)
    found = None if at is None or at + 1 == len(args) else re.fullmatch(_GEOMETRY, args[at + 1])
    if at is None or not found:
        return None
    import shlex

    command, option = IMAGEMAGICK[args[at]].split()
    places = [word for word in (*args[:at], *args[at + 2 :]) if word not in (command, "convert", "magick")]
    number = found[2] or found[1]
    if option == "--size":
        number = str(2 * int(float(found[1])) + 1)
    return f"{args[at]} is ImageMagick's; write: imconv {command} {shlex.join(places)} {option} {number}"


def _value_of(option: str, args: list[str]) -> str:
    """The value that an option has in these words, as `-s 2`, `-s2` or `--std=2`; empty if it has none."""
    import shlex

    for number, word in enumerate(args):
        if word == option:
            following = args[number + 1 : number + 2]
            return "" if not following or following[0].startswith("--") else shlex.quote(following[0])
        if word.startswith(f"{option}=") or (len(option) == 2 and word.startswith(option)):
            return shlex.quote(word[len(option) :].removeprefix("="))
    return ""
