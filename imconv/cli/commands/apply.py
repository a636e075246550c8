"""`imconv apply`: a user's kernel, or several."""

from __future__ import annotations

from ..filtering import filter_command, filter_to_many
from ..options import given, kernel_options, like_option, setting
from ..places import teller
from ..session import Job


@filter_command(
    "apply",
    "imconv apply in.png out.png --kernel k.txt",
    'imconv apply in.png out.png -k "0 -1 0; -1 5 -1; 0 -1 0"',
    'imconv apply in.png out.png -k "3x3: 1,2,1 2,4,2 1,2,1" --normalize',
    "imconv apply in.png out.png -k laplacian-4 --offset 128",
    "imconv apply in.png edges.png -k sobel-x -k sobel-y --combine magnitude",
    'imconv apply in.png edges.png -k "kirsch:@" --combine max     # its eight rotations',
    "imconv apply --kernel k.txt < in.png > out.png",
)
@setting(
    "-k --kernel kernels",
    "K",
    "A file, a name (imconv kernels list), or rows of numbers.",
    required=True,
    multiple=True,
)
@kernel_options
@setting(
    "--combine",
    "sum|max|magnitude|each",
    "How to combine the results of several kernels; each: one file for each.",
    default="sum",
)
@like_option
def apply(shared, kernels, correlate, combine, like, **how):
    """Convolve with a kernel of your own, or one from the library.

    With several kernels, --combine adds the results (sum), takes the largest (max), or takes the root of the sum of
    squares (magnitude). "each" writes one file for each kernel, and adds the kernel's name to that of OUTPUT.
    """
    from ...errors import OptionError, known
    from ...filters.user_kernels import COMBINATIONS, custom_filter, named_outputs, prepared_all

    combine = known(combine, "combination", COMBINATIONS)
    tell = teller(shared["quiet"])
    chosen = [each for k in kernels for each in prepared_all(k, tell, **how)]
    if like is not None:
        if len(chosen) > 1:
            raise OptionError("like= goes with one kernel; leave out like=, or all kernels but one")
        from ...filters.like import kernel_like

        direction, border, anchored = "correlation" if correlate else None, given("border"), how["anchor"] is not None
        return lambda options, width: kernel_like(
            like, chosen[0], options, border, direction=direction, anchored=anchored
        )

    def make(kernels, combine="sum"):
        return lambda options, width: custom_filter(kernels, options, correlate=correlate, combine=combine)

    if combine == "each" and len(chosen) > 1:
        outputs = named_outputs(chosen, shared["output"])
        filter_to_many(shared, [Job(output, make([k])) for k, output in zip(chosen, outputs, strict=True)])
        return None
    return make(chosen, "sum" if combine == "each" else combine)
