"""`imconv motion`, `imconv disk` and `imconv emboss`."""

from __future__ import annotations

from ..filtering import filter_command
from ..options import flag, setting


@filter_command(
    "motion",
    "imconv motion in.png out.png --length 15 --angle 30",
    "imconv motion in.jpg out.jpg --length 9.5 --linear",
)
@setting("--length", "L", "Length of the line, in pixels.", required=True)
@setting("--angle", "DEG", "Direction of the line, counter-clockwise; 0 is horizontal.", default="0")
def motion(shared, length, angle):
    """Blur along a line, as a moving camera does."""
    from ...filters.correlate import linear_filter
    from ...filters.oriented import motion_kernel

    return lambda options, width: linear_filter(motion_kernel(length, angle), options)


@filter_command(
    "disk",
    "imconv disk in.png out.png --radius 4.5",
    "imconv disk in.jpg out.jpg --radius 8 --linear      # as a lens sees light",
)
@setting("--radius", "R", "Radius of the disk, in pixels.", required=True)
def disk(shared, radius):
    """Blur with a disk, as a lens out of focus does."""
    from ...filters.correlate import linear_filter
    from ...filters.oriented import disk_kernel

    return lambda options, width: linear_filter(disk_kernel(radius), options)


@filter_command(
    "emboss",
    "imconv emboss in.png out.png",
    "imconv emboss in.png out.png --relief --amount 0.5",
)
@setting("--amount", "A", "Factor of the slope.", default="1")
@flag("--relief", "Write the slope alone, on mid-grey.")
def emboss(shared, amount, relief):
    """Emboss: add the slope, as if light came from the upper left."""
    from ...filters.oriented import emboss_filter

    return lambda options, width: emboss_filter(amount, relief, options, shared["range_"] and options.range)
