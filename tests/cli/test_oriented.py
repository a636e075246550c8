"""`imconv motion`, `disk` and `emboss` give what the functions give."""

import numpy as np
import pytest

from imconv import disk_blur, emboss, motion_blur, read

CASES = {
    "motion": (("--length", "7.5", "--angle", "30"), lambda p, **o: motion_blur(p, 7.5, 30, **o)),
    "disk": (("--radius", "2.5"), lambda p, **o: disk_blur(p, 2.5, **o)),
    "emboss": (("--amount", "0.3"), lambda p, **o: emboss(p, "0.3", **o)),
    "emboss --relief": (("--relief",), lambda p, **o: emboss(p, relief=True, **o)),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ["rgb.png", "grey16.png", "rgba.png", "float.tif"])
def test_equals_the_python_function(succeeds, folder, case, name):
    own, function = CASES[case]
    out = "out" + name[-4:]
    for options, keywords in (
        ((), {}),
        (("--border", "wrap", "--stride", "2", "--range", "abs"), {"border": "wrap", "stride": 2, "range": "abs"}),
        (("--linear",), {"linear": True}),
    ):
        succeeds(case.split()[0], name, out, *own, *options, notes=True)
        np.testing.assert_array_equal(read(out).pixels, function(read(name), **keywords).pixels)


@pytest.mark.parametrize(
    ("words", "named"),
    [(("motion",), "--length"), (("motion", "--length", "x"), "length"),
     (("motion", "--length", "3", "--angle", "up"), "angle"), (("disk", "--radius", "0"), "radius"),
     (("emboss", "--amount", "-1"), "amount")],
)  # fmt: skip
def test_what_is_refused(refuses, folder, words, named):
    refuses(named, words[0], "grey.png", "out.png", *words[1:])
