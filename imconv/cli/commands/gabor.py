"""`imconv gabor`."""

from __future__ import annotations

import click

from ..filtering import filter_command


@filter_command(
    "gabor",
    "imconv gabor in.png out.png --wavelength 8 --orientation 45",
    "imconv gabor in.png out.png --wavelength 8 --phase -90             # odd: edges, brighter to the right",
    "imconv gabor in.png out.png --wavelength 8 --energy --gain 2",
    "imconv gabor in.png sheet.png --wavelength 4 --bank 6 --scales 3 --energy",
)
@click.option("--wavelength", required=True, metavar="L", help="Of the wave, in pixels.")
@click.option(
    "--orientation", default="0", show_default=True, metavar="DEG", help="The wave's direction: 0 right, 90 down."
)
@click.option("--phase", default=None, metavar="P", help="Of a simple cell: 0 even, 90 or -90 odd.  [default: 0]")
@click.option("--energy", is_flag=True, help="A complex cell: even and odd together, whatever the phase.")
@click.option("--bank", default=None, metavar="N", help="N orientations on one sheet, from --orientation on.")
@click.option("--scales", default=None, metavar="S", help="Rows of a bank, each wave twice as long.  [default: 1]")
@click.option("--bandwidth", default=None, metavar="B", help="In octaves.  [default: 1]")
@click.option("--sigma", default=None, metavar="S", help="Of the envelope in pixels, instead of --bandwidth.")
@click.option("--aspect", default="1", show_default=True, metavar="A", help="Length of the envelope over its width.")
@click.option(
    "--gain", default="1", show_default=True, metavar="G", help="Multiply; with 1 a wave gives its amplitude."
)
def gabor(shared, wavelength, orientation, phase, **how):
    """Show what an oriented cell of the visual cortex answers.

    A simple cell is a wave under a Gaussian; its answer has a sign: without --range, mid-grey is 0 in pictures that hold no
    negative samples. A complex cell, --energy, answers to a wave of any phase. Even areas are answered by 0.
    """
    from ...filters.arguments import checked_number
    from ...filters.gabor import gabor_filter

    def make(options, width):
        angle = None if phase is None else checked_number(phase, "phase", -1e6, 1e6)
        policy = shared["range_"] and options.range
        return gabor_filter(wavelength, orientation, options, phase=angle, range=policy, **how)

    return make
