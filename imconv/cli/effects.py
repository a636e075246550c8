"""What filters do to a row of pixels, for their help; a test holds these numbers to the filters."""

EDGE, SPOT = "40 40 40 120 120 120", "40 40 40 120 40 40"

# command: options -> what becomes of an edge and of a spot, in a picture of one row
EFFECTS = {
    "apply": {
        "-k sobel-x --offset 128": ("128 128 255 255 128 128", "128 128 255 128 0 128"),
        '-k "1 2 1" --normalize': ("40 40 60 100 120 120", "40 40 60 80 60 40"),
    },
    "bilateral": {"--sigma 1 --sigma-range 4%": ("40 40 40 120 120 120", "40 40 40 120 40 40")},
    "blur": {"--sigma 1": ("40 45 64 96 115 120", "40 44 59 72 59 45")},
    "box": {"--size 3": ("40 40 67 93 120 120", "40 40 67 67 67 40")},
    "chain": {'"blur --sigma 1 | edges"': ("2 12 26 26 12 2", "2 9 14 0 14 7")},
    "convert": {"": ("40 40 40 120 120 120", "40 40 40 120 40 40")},
    "crop": {"--size 4x1+1+0": ("40 40 120 120", "40 40 120 40")},
    "flatten": {"": ("40 40 40 120 120 120", "40 40 40 120 40 40")},
    "strip": {"": ("40 40 40 120 120 120", "40 40 40 120 40 40")},
    "flip": {"": ("120 120 120 40 40 40", "40 40 120 40 40 40")},
    "grey": {"": ("40 40 40 120 120 120", "40 40 40 120 40 40")},
    "invert": {"": ("215 215 215 135 135 135", "215 215 215 135 215 215")},
    "rotate": {"--angle 180": ("120 120 120 40 40 40", "40 40 120 40 40 40")},
    "close": {"--size 3": ("40 40 40 120 120 120", "40 40 40 120 40 40")},
    "contrast": {"--sigma 1": ("127 119 93 163 137 129", "127 120 107 171 107 120")},
    "deviation": {"--size 3": ("0 0 38 38 0 0", "0 0 38 38 38 0")},
    "disk": {"--radius 1.5": ("40 40 63 97 120 120", "40 40 63 73 63 40")},
    "edges": {
        "": ("0 0 40 40 0 0", "0 0 40 0 40 0"),
        "--show x": ("128 128 168 168 128 128", "128 128 168 128 88 128"),
        "--operator laplacian": ("128 128 208 48 128 128", "128 128 208 0 208 128"),
    },
    "emboss": {"--amount 0.1": ("40 40 64 144 120 120", "40 40 64 120 16 40")},
    "gabor": {
        "--wavelength 4": ("138 113 113 143 143 118", "134 109 126 156 134 109"),
        "--wavelength 4 --energy": ("15 19 22 22 19 15", "13 19 26 29 26 22"),
    },
    "gradient": {"--size 3": ("0 0 80 80 0 0", "0 0 80 80 80 0")},
    "guided": {"--radius 1 --threshold 10%": ("40 43 48 112 117 120", "40 43 46 103 46 43")},
    "max": {"--size 3": ("40 40 120 120 120 120", "40 40 120 120 120 40")},
    "median": {"--size 1x3": ("40 40 40 120 120 120", "40 40 40 40 40 40")},
    "min": {"--size 3": ("40 40 40 40 120 120", "40 40 40 40 40 40")},
    "motion": {"--length 3": ("40 40 67 93 120 120", "40 40 67 67 67 40")},
    "open": {"--size 3": ("40 40 40 120 120 120", "40 40 40 40 40 40")},
    "pool": {"--op max --size 1x2": ("40 120 120", "40 120 40")},
    "rank": {"--percentile 75 --size 3": ("40 40 120 120 120 120", "40 40 120 120 120 40")},
    "sharpen": {"": ("40 40 13 147 120 120", "40 40 13 173 13 40")},
    "tophat": {"--size 3": ("0 0 0 0 0 0", "0 0 0 80 0 0")},
    "unsharp": {"--sigma 1": ("40 35 16 144 125 120", "40 36 21 168 21 35")},
}


def shown(command: str) -> list[str]:
    """Lines for a command's help; none where no effect is known."""
    found = EFFECTS.get(command, {})
    lines = [("before", EDGE, SPOT), *((options or "after", *after) for options, after in found.items())]
    width = max(len(name) for name, _, _ in lines)
    return [f"{name:<{width}} {_aligned(edge)}  {_aligned(spot)}" for name, edge, spot in lines] if found else []


def _aligned(row: str) -> str:
    return "".join(f"{sample:>4}" for sample in row.split())
