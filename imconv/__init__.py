"""imconv: exact, fast image filtering and convolution. Functions are loaded when first used."""

__version__ = "0.1.0"

# public name: the module that defines it; imported on first use, so that `import imconv` costs nothing
_HOMES = {
    "ImconvError": "errors",
    "ImconvWarning": "errors",
    "Kernel": "kernel.kernel",
    "Options": "options",
    "Picture": "files.picture",
    "Plan": "stages.convolution.plan",
    "bilateral": "filters.bilateral",
    "blackhat": "filters.morphology",
    "box_blur": "filters.smooth",
    "closing": "filters.morphology",
    "compare": "comparison",
    "contact_sheet": "sheet",
    "convolve": "filters.correlate",
    "correlate": "filters.correlate",
    "crop": "filters.arrange",
    "disk_blur": "filters.oriented",
    "edges": "filters.edges",
    "emboss": "filters.oriented",
    "flatten": "filters.pointwise",
    "flip": "filters.arrange",
    "gabor": "filters.gabor",
    "gaussian_blur": "filters.smooth",
    "gradient": "filters.morphology",
    "grey": "filters.pointwise",
    "guided": "filters.guided",
    "invert": "filters.pointwise",
    "layer": "net.layer",
    "local_contrast": "filters.local",
    "local_deviation": "filters.local",
    "maximum": "filters.order",
    "median": "filters.order",
    "minimum": "filters.order",
    "motion_blur": "filters.oriented",
    "opening": "filters.morphology",
    "plan": "filters.correlate",
    "pool": "filters.pool",
    "rank": "filters.order",
    "read": "files",
    "read_pages": "files",
    "rotate": "filters.arrange",
    "sharpen": "filters.sharpen",
    "tophat": "filters.morphology",
    "unsharp_mask": "filters.sharpen",
    "write": "files",
    "write_pages": "files",
}

# subpackages with public functions of their own, loaded when first used: `imconv.net.load`
_PACKAGES = ("net",)

__all__ = sorted(_HOMES)


def __getattr__(name: str):
    home = _HOMES.get(name)
    if home is None and name not in _PACKAGES:
        raise AttributeError(f"module 'imconv' has no attribute {name!r}")
    from importlib import import_module

    if home is None:
        return import_module(f"imconv.{name}")
    value = getattr(import_module(f"imconv.{home}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__, *_PACKAGES})
