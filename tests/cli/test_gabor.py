"""`imconv gabor`: what the function gives; banks; what is refused."""

import json

import numpy as np
import pytest

from imconv import gabor, read


@pytest.mark.parametrize("name", ["rgba.png", "grey16.png", "float.tif"])
@pytest.mark.parametrize(
    ("options", "keywords"),
    [((), {}),
     (("--orientation", "30", "--phase", "-90", "--gain", "2.5"), {"orientation": 30, "phase": -90, "gain": "2.5"}),
     (("--energy", "--aspect", "2", "--bandwidth", "1.5"), {"energy": True, "aspect": 2, "bandwidth": 1.5}),
     (("--sigma", "3", "--range", "abs"), {"sigma": 3, "range": "abs"}),
     (("--bank", "4", "--stride", "2"), {"bank": 4, "stride": 2}),
     (("--bank", "3", "--scales", "2", "--energy", "--linear"), {"bank": 3, "scales": 2, "energy": True, "linear": True})],
)  # fmt: skip
def test_equals_the_python_function(succeeds, folder, name, options, keywords):
    out = "out" + name[-4:]
    succeeds("gabor", name, out, "--wavelength", "5", *options, notes=True)
    np.testing.assert_array_equal(read(out).pixels, gabor(read(name), 5, **keywords).pixels)


def test_a_bank_is_reported_whole(succeeds, folder):
    report = json.loads(succeeds("gabor", "grey.png", "out.png", "--wavelength", "4", "--bank", "6", "--json").out)
    result = read("out.png")
    assert (report["width"], report["height"]) == (result.width, result.height)
    assert report["plan"]["bank"] == 6


def test_a_bank_of_a_streamable_picture(succeeds, folder, monkeypatch):
    monkeypatch.setattr("imconv.file_to_file.WORTH_BANDS", 0)
    for options, keywords in (("--bank 2", {"bank": 2}), ("--energy", {"energy": True})):
        succeeds("gabor", "rgb.png", "out.png", "--wavelength", "4", *options.split())
        np.testing.assert_array_equal(read("out.png").pixels, gabor(read("rgb.png"), 4, **keywords).pixels)


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--wavelength", "1"], "wavelength must be a number from 2.5 to 500, not '1'"),
     (["--wavelength", "8", "--energy", "--phase", "90"], "leave out --phase"),
     (["--wavelength", "4", "--bank", "3", "--pad", "valid"], "take --pad same"),
     (["--wavelength", "8", "--phase", "x"], "phase must be a number")],
)  # fmt: skip
def test_what_is_refused(refuses, folder, options, message):
    refuses(message, "gabor", "grey.png", "out.png", *options)
