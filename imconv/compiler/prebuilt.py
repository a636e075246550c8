"""The loops that common pictures need: what wheels carry, and what `imconv cache warm` compiles."""

from __future__ import annotations

Specialised = tuple[str, tuple[str, ...]]


def prebuilt(everything: bool = False) -> list[Specialised]:
    """Loops and their types for uint8, uint16 and float32 pictures; with `everything`, for float64 too."""
    found: list[Specialised] = []
    for sample in ("u1", "u2", "f4") + (("f8",) if everything else ()):
        sums = "f8" if sample == "f8" else "f4"
        found += _for_samples(sample, sums)
        found.append(("bilateral.smooth_alike", (sample, sums, sample)))
        for target in dict.fromkeys((sample, "f8")):
            if sample[0] == "f":
                found.append(("moments.combine_moments", (sample, target)))
            else:
                found.append(("moments.sum_moments", (sample, target, {"u1": "u4", "u2": "f8"}[sample])))
    found += [(f"scanline.{name}", ()) for name in ("filter_rows", "unfilter_rows", "look_up")]
    found += [
        ("activation.gelu", ()),
        ("matrix.multiply", ("f4",)),
        ("deflate.pack_runs", ()),
        ("huffman.follow_scan", ()),
        ("sliding.select", ()),
    ]
    found.append(("pool.total", ("f8", "f8", "f8")))  # weighted by alpha, squared
    found += [("scanline.add_alpha", (sample,)) for sample in ("u1", "u2")]
    found += [(f"channels.{name}", (sums,)) for name in ("sum_channels", "sum_taps") for sums in ("f4", "f8")[: 1 + everything]]  # fmt: skip
    if everything:
        found += [item for sample in ("u1", "u2", "f4") for item in _for_samples(sample, "f8")]
    return list(dict.fromkeys(found + _WEIGHTED_16))


def _for_samples(sample: str, sums: str) -> list[Specialised]:
    """Loops for pictures of one type: to the same type, and to sums that are finished outside the loop."""
    found: list[Specialised] = []
    for target in (sample, sums):
        found.append(("separable.correlate_separable", (sample, sums, target)))
        found.append(("dense.correlate_dense", (sample, sums, target)))
        if sample[0] == "f":
            found.append(("float_box.sum_float_box", (sample, sums, target)))
        for line, down in _BOX_SUMS.get(sample, ()):
            found.append(("box.sum_box", (sample, sums, target, line, down)))
    found.append(("separable.correlate_separable", (sums, sums, sums)))  # a coarse grid
    found.append(("interpolate.interpolate", (sums, sample)))
    weighted = {"u1": "u2"}.get(sample, sums)
    found.append(("alpha.weigh", (sample, weighted)))
    found.append(("alpha.unweigh", (sums, sample)))
    found.append(("alpha.unweigh", (sums, "f8")))
    found.append(("alpha.fill_empty", (sums, sample)))
    found.append(("pool.extreme", (sample,)))
    added = "f8" if sample[0] == "f" else "u4"
    found += [("pool.total", (sample, added, target)) for target in dict.fromkeys((sample, "f8"))]
    found += [("unsharp.add_detail", (values, sample, sample)) for values in dict.fromkeys((sums, "f8"))]
    found.append(("combine.combine", (sample, sums, "f8")))
    if sample[0] == "u" and sums == "f4":
        found.append(("combine.combine", (sample, sums, "f4")))
    return found + _for_ranks({"f4": "u4", "f8": "u8"}.get(sample, sample))


def _for_ranks(key: str) -> list[Specialised]:
    """Loops for order statistics of samples that integers of this type stand for."""
    names = [
        "columns.median_9",
        "columns.median_25",
        "columns.extreme_of_columns",
        "extremes.extreme",
        "extremes.extreme_of_taps",
        "network.select",
        "sortable.to_keys",
        "sortable.to_samples",
    ]
    found = [(name, (key,)) for name in names]
    found.append(("bisection.bisect", (key if key in ("u1", "u2") else "u2",)))
    return found + ([("histogram.select", ("u1", "u2"))] if key == "u1" else [])


_BOX_SUMS = {"u1": [("u2", "u2"), ("u4", "u2"), ("u4", "u4")], "u2": [("u4", "u4")]}

# 16-bit colours multiplied by 16-bit alpha need float64
_WEIGHTED_16: list[Specialised] = [
    ("alpha.weigh", ("u2", "f8")),
    ("separable.correlate_separable", ("f8", "f8", "f8")),
    ("dense.correlate_dense", ("f8", "f8", "f8")),
    ("alpha.unweigh", ("f8", "u2")),
    ("alpha.fill_empty", ("f8", "u2")),
    ("separable.correlate_separable", ("u2", "f8", "u2")),  # an unsharp mask
]
