"""Tone curves of ICC profiles, held against LittleCMS (through libvips, 16 bits) and the specification's formulas."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from imconv.files.header import Unsupported
from imconv.files.icc import space, tone_curves
from imconv.pixels.curves import SRGB, STRAIGHT, Parametric, Sampled
from tests import profiles
from tests.profiles import curv, para
from tests.refused import refused

TABLE = [round(65535 * (i / 255) ** 1.9) for i in range(256)]
CURVES = {
    "identity": curv(),
    "gamma": curv(round(2.2 * 256)),
    "two points": curv(0, 65535),
    "table": curv(*TABLE),
    "para 0": para(0, 1.8),
    "para 1": para(1, 2.0, 0.9, 0.1),
    "para 2": para(2, 2.0, 0.9, 0.05, 0.05),
    "para 3": profiles.SRGB,
    "para 4": para(4, 2.4, 0.9, 0.06, 0.08, 0.05, 0.003523, 0.004),
}
LITTLECMS = 4 / 65535  # it goes to the other profile by whole numbers of 16 bits, more than once


@pytest.mark.parametrize("name", CURVES)
def test_littlecms_has_the_same_curves(name, tmp_path):
    """From the profile to one that is the same but straight: what is left is the curve."""
    pyvips = pytest.importorskip("pyvips")
    if not pyvips.type_find("VipsOperation", "icc_transform"):
        pytest.skip("this libvips has no LittleCMS")
    (tmp_path / "curved.icc").write_bytes(profiles.rgb(CURVES[name]))
    (tmp_path / "straight.icc").write_bytes(profiles.rgb(curv()))
    codes = np.dstack([np.arange(0, 65536, 15, dtype=np.uint16)[None]] * 3)
    image = pyvips.Image.new_from_array(codes).copy(interpretation="rgb16")
    light = image.icc_transform(
        str(tmp_path / "straight.icc"), input_profile=str(tmp_path / "curved.icc"), depth=16, intent="relative"
    ).numpy()
    curves = tone_curves(profiles.rgb(CURVES[name]))
    np.testing.assert_allclose(curves[1].linear(codes[..., 1] / 65535), light[..., 1] / 65535, rtol=0, atol=LITTLECMS)


@pytest.mark.parametrize(
    ("data", "formula"),
    [
        (CURVES["para 1"], lambda x: np.where(x >= -0.1 / 0.9, (0.9 * x + 0.1) ** 2, 0)),
        (para(1, 2.0, 1.25, -0.25), lambda x: np.where(x >= 0.2, (1.25 * x - 0.25) ** 2, 0)),
        (para(2, 2.0, 1.25, -0.25, 0.125), lambda x: np.where(x >= 0.2, (1.25 * x - 0.25) ** 2, 0) + 0.125),
        (para(3, 3.0, 0.75, 0.25, 0.25, 0.25), lambda x: np.where(x >= 0.25, (0.75 * x + 0.25) ** 3, 0.25 * x)),
        (para(4, 3.0, 0.75, 0.25, 0.25, 0.25, 0.125, 0.0625),
         lambda x: np.where(x >= 0.25, (0.75 * x + 0.25) ** 3 + 0.125, 0.25 * x + 0.0625)),
        (curv(256 * 2), lambda x: x**2),
        (curv(0, 32768, 65535), lambda x: np.interp(x, [0, 0.5, 1], [0, 32768 / 65535, 1])),
    ],
)  # fmt: skip
def test_formulas_of_the_specification(data, formula):
    x = np.linspace(0, 1, 1001)
    (curve,) = tone_curves(profiles.grey(data))
    # parameters are multiples of 1/65536
    np.testing.assert_allclose(curve.linear(x), formula(x), rtol=0, atol=1e-4)


def test_three_curves_in_order():
    found = tone_curves(profiles.rgb(curv(), curv(512), curv(*TABLE)))
    assert found == (STRAIGHT, Parametric(2.0), Sampled(np.array(TABLE, ">u2").tobytes()))
    x = np.linspace(0, 1, 500)
    np.testing.assert_allclose(tone_curves(profiles.rgb(profiles.SRGB))[2].linear(x), SRGB.linear(x), atol=2e-5)


def test_profiles_that_programs_make(astronaut):
    imagecms = pytest.importorskip("PIL.ImageCms")
    x = np.linspace(0, 1, 500)
    made = imagecms.ImageCmsProfile(imagecms.createProfile("sRGB")).tobytes()
    assert space(made) == b"RGB "
    for curve in tone_curves(made):
        np.testing.assert_allclose(curve.linear(x), SRGB.linear(x), atol=2e-5)
    held = Image.open(io.BytesIO(astronaut.read_bytes())).info.get("icc_profile")
    for curve in tone_curves(held):
        np.testing.assert_allclose(curve.linear(x), SRGB.linear(x), atol=1e-3)
    lab = imagecms.ImageCmsProfile(imagecms.createProfile("LAB")).tobytes()
    refused(Unsupported, "for Lab, has no tone curves; convert the picture to sRGB", tone_curves, lab)


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        (profiles.profile({b"A2B0": b"mft2"}), r"maps colours by a table \(A2B\)"),
        (profiles.profile({b"A2B0": b"mft2"}, b"CMYK", b"prtr"), "for CMYK, has no tone curves"),
        (profiles.profile({b"rTRC": curv(), b"gTRC": curv()}), "is incomplete"),
        (profiles.profile({b"A2B0": b"mft2"}, b"RGB ", b"link"), "for RGB, has no tone curves"),
        (profiles.rgb(curv(65535, 0)), "does not rise"),
        (profiles.rgb(curv(0, 40000, 30000, 65535)), "does not rise"),
        (profiles.rgb(curv(700, 700)), "does not rise"),
        (profiles.rgb(para(3, 2.4, 1.0, 0.0, 2.0, 0.5)), "does not rise"),
        (profiles.rgb(para(0, 0)), "damaged"),
        (profiles.rgb(para(1, 2.0, 0, 0.5)), "damaged"),
        (profiles.rgb(para(9, 2.0)), "damaged"),
        (profiles.rgb(b"text\0\0\0\0"), "damaged"),
        (profiles.rgb(curv(1, 2, 3)[:-2]), "damaged"),
        (b"", "damaged"),
        (b"\0" * 200, "damaged"),
    ],
)
def test_what_has_no_curves_is_refused_with_advice(profile, words):
    said = refused(Unsupported, words, tone_curves, profile)
    assert "; convert the picture to sRGB, or leave out linear" in said


def test_damaged_profiles_give_curves_or_words():
    """Every prefix and every flipped byte."""
    for whole in (
        profiles.rgb(curv(*range(0, 65536, 4096)), para(3, 2.4, 0.9, 0.1, 0.08, 0.04)),
        profiles.grey(curv(563)),
    ):
        damaged = [whole[:n] for n in range(len(whole))]
        damaged += [
            whole[:n] + bytes([whole[n] ^ flip]) + whole[n + 1 :] for n in range(len(whole)) for flip in (1, 128, 255)
        ]
        for data in damaged:
            try:
                curves = tone_curves(data)
            except Unsupported:
                continue
            for curve in curves:
                assert np.isfinite(curve.linear(np.linspace(0, 1, 50))).all()


def test_a_tag_table_that_lies():
    whole = bytearray(profiles.grey(curv()))
    struct.pack_into(">I", whole, 128, 2**32 - 1)
    refused(Unsupported, "damaged", tone_curves, bytes(whole))
