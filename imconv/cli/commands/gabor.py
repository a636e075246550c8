"""`imconv gabor`."""

from __future__ import annotations

from ..filtering import filter_command
from ..options import flag, setting


@filter_command(
    "gabor",
    "imconv gabor in.png out.png --wavelength 8 --orientation 45",
    "imconv gabor in.png out.png --wavelength 8 --phase -90             # odd: edges, brighter to the right",
    "imconv gabor in.png out.png --wavelength 8 --energy --gain 2",
    "imconv gabor in.png sheet.png --wavelength 4 --bank 6 --scales 3 --energy",
)
@setting("--wavelength", "L", "Length of the wave, in pixels.", required=True)
@setting("--orientation", "DEG", "The wave's direction: 0 right, 90 down.", default="0")
@setting("--phase", "P", "Phase of the wave, in degrees: 0 responds to bars, 90 and -90 to edges.  [default: 0]")
@flag("--energy", "A complex cell: even and odd responses together, for waves of any phase.")
@setting("--bank", "N", "Write a sheet of N orientations, beginning at --orientation.")
@setting("--scales", "S", "Rows of the bank's sheet; each has twice the wavelength of the row before.  [default: 1]")
@setting("--bandwidth", "B", "Bandwidth, in octaves.  [default: 1]")
@setting("--sigma", "S", "Standard deviation of the envelope, in pixels, instead of --bandwidth.")
@setting("--aspect", "A", "Length of the envelope over its width.", default="1")
@setting("--gain", "G", "Factor of the response; 1 answers the cell's own wave with the wave's amplitude.", default="1")
def gabor(shared, wavelength, orientation, phase, **how):
    """Show how oriented cells of the visual cortex respond.

    A simple cell is a wave under a Gaussian. Its response has a sign: in pictures without negative samples mid-grey
    stands for 0, unless --range is given. A complex cell, --energy, responds to a wave of any phase. The response to flat
    areas is 0.
    """
    from ...filters.arguments import checked_number
    from ...filters.gabor import gabor_filter

    def make(options, width):
        angle = None if phase is None else checked_number(phase, "phase", -1e6, 1e6)
        policy = shared["range_"] and options.range
        return gabor_filter(wavelength, orientation, options, phase=angle, range=policy, **how)

    return make
