"""Transfer functions: the published formulas, other programs, and the exactness of tables."""

import math

import numpy as np
import pytest

from imconv.pixels.curves import (
    BT709,
    CHARACTERISTICS,
    SRGB,
    STRAIGHT,
    HybridLogGamma,
    Parametric,
    PerceptualQuantizer,
    Sampled,
)
from imconv.pixels.levels import LevelTable, Transfer, level_table, levels

GRID = np.linspace(0, 1, 1024)
CURVES = {
    "srgb": SRGB,
    "bt709": BT709,
    "pq": PerceptualQuantizer(),
    "hlg": HybridLogGamma(),
    "straight": STRAIGHT,
    **{f"gamma {g}": Parametric(g) for g in (1 / 2.2, 1.8, 2.2, 2.8, 4)},
    "table": Sampled(np.round(65535 * np.maximum(GRID**2.1, GRID / 16)).astype(">u2").tobytes()),
    "two points": Sampled(np.array([100, 60000], ">u2").tobytes()),
    "shifted": Parametric(2.0, 0.9, 0.1, d=-1.0),
}


def srgb(v):
    """IEC 61966-2-1."""
    return v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4


def bt709(v):
    """ITU-R BT.709: V = 1.099 L^0.45 - 0.099, turned round; constants with the digits of BT.2020 for 12 bits and H.273."""
    return v / 4.5 if v < 4.5 * 0.018053968510807 else ((v + 0.09929682680944) / 1.09929682680944) ** (1 / 0.45)


def pq(v):
    """SMPTE ST 2084, equation 4.1."""
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    p = v ** (1 / m2)
    return (max(p - c1, 0) / (c2 - c3 * p)) ** (1 / m1)


def hlg(v):
    """ITU-R BT.2100, table 5."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return v * v / 3 if v <= 0.5 else (math.exp((v - c) / a) + b) / 12


@pytest.mark.parametrize(
    ("number", "formula", "within"),
    [
        (13, srgb, 1e-15),
        *((n, bt709, 1e-13) for n in (1, 6, 14, 15)),
        (16, pq, 1e-12),
        (18, hlg, 1e-8),  # the recommendation rounds b and c
        (4, lambda v: v**2.2, 1e-15),
        (5, lambda v: v**2.8, 1e-15),
        (8, lambda v: v, 0),
    ],
)
def test_published_formulas(number, formula, within):
    x = np.linspace(0, 1, 1001)
    _, curve = CHARACTERISTICS[number]
    np.testing.assert_allclose(curve.linear(x), [formula(v) for v in x], rtol=0, atol=max(within, 1e-16))


def test_known_values():
    assert SRGB.linear(np.array([188 / 255]))[0] == pytest.approx(0.5029, abs=1e-4)
    assert PerceptualQuantizer().encoded(np.array([0.01]))[0] == pytest.approx(0.508078, abs=1e-6)  # 100 cd/m2
    assert HybridLogGamma().encoded(np.array([1 / 12]))[0] == pytest.approx(0.5)
    assert BT709.encoded(np.array([0.18]))[0] == pytest.approx(0.409, abs=1e-3)


def test_libvips_has_the_same_srgb():
    pyvips = pytest.importorskip("pyvips")
    codes = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    rgb16 = pyvips.Image.new_from_array(np.dstack([codes] * 3)).copy(interpretation="rgb16")
    light = rgb16.colourspace("scrgb").numpy()
    # libvips has a table of float32
    np.testing.assert_allclose(Transfer((SRGB,) * 3).decode(np.dstack([codes] * 3)), light, rtol=0, atol=1e-6)
    grey = np.linspace(0, 1, 4096, dtype=np.float32).reshape(64, 64)
    scrgb = pyvips.Image.new_from_array(np.dstack([grey] * 3)).copy(interpretation="scrgb")
    theirs = scrgb.colourspace("srgb").numpy().astype(int)
    ours = Transfer((SRGB,) * 3).encode(np.dstack([grey] * 3), np.uint8)
    assert np.abs(ours - theirs).max() <= 1  # it interpolates a table


@pytest.mark.parametrize("name", CURVES)
def test_encoding_undoes_decoding(name):
    curve = CURVES[name]
    x = np.linspace(-1.2, 1.4, 2601) if name not in ("two points", "shifted") else np.linspace(0, 1, 1001)
    np.testing.assert_allclose(curve.encoded(curve.linear(x)), x, rtol=0, atol=2e-13)
    np.testing.assert_allclose(curve.linear(-x), -curve.linear(x), atol=0)


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("kind", ["bool", "uint8", "uint16"])
def test_every_level_survives_exactly(name, kind):
    if name == "shifted" and kind == "bool":
        pytest.skip("black is not 0 there")
    top = 1 if kind == "bool" else np.iinfo(kind).max
    codes = np.arange(top + 1).astype(kind).reshape(2, -1)
    transfer = Transfer((CURVES[name],))
    light = transfer.decode(codes)
    assert light.dtype == np.float32
    np.testing.assert_array_equal(transfer.encode(light, kind), codes)
    np.testing.assert_array_equal(transfer.encode(light.astype(np.float64), kind), codes)
    # and through a float file
    np.testing.assert_array_equal(transfer.encode(transfer.decode(transfer.encode(light, np.float32)), kind), codes)


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("top", [255, 65535])
def test_a_level_begins_at_the_middle(name, top):
    """Light just below and just at each edge, as float64 has it."""
    curve = CURVES[name]
    table = LevelTable(curve, top)
    middles = curve.linear((np.arange(top) + 0.5) / top)
    above = np.nextafter(middles.astype(np.float32), np.float32(2))
    below = np.nextafter(middles.astype(np.float32), np.float32(-1))
    np.testing.assert_array_equal(table.of(above), np.arange(1, top + 1))
    np.testing.assert_array_equal(table.of(below), np.arange(top))
    random = np.random.default_rng(1).random(20000).astype(np.float32) ** 3
    np.testing.assert_array_equal(table.of(random), np.searchsorted(middles, random, side="right"))
    assert table.edges_per_place == 1  # one comparison for each sample: that is what the table is for
    odd = np.array([np.nan, -np.inf, -1, 2, np.inf], np.float32)
    np.testing.assert_array_equal(table.of(odd), [0, 0, 0, top, top] if middles[0] > 0 else table.of(odd))


def test_flat_curves_give_the_lowest_of_their_levels():
    """A table that begins with zeros: what it throws together stays together, the rest survives."""
    values = np.maximum(np.arange(4096) - 100, 0) * 16
    transfer = Transfer((Sampled(values.astype(">u2").tobytes()),))
    codes = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    light = transfer.decode(codes)
    back = transfer.encode(light, np.uint16)
    np.testing.assert_array_equal(transfer.decode(back), light)
    assert (back[light == 0] == 0).all()
    np.testing.assert_array_equal(back[light > 0], codes[light > 0])


def test_channels_have_their_own_curves_and_alpha_none():
    transfer = Transfer((SRGB, Parametric(1.8), STRAIGHT))
    pixels = np.random.default_rng(3).integers(0, 256, (31, 17, 4)).astype(np.uint8)
    light = transfer.decode(pixels)
    for channel, curve in enumerate((SRGB, Parametric(1.8), STRAIGHT, STRAIGHT)):
        np.testing.assert_array_equal(light[..., channel], levels(curve, 255)[pixels[..., channel]])
    np.testing.assert_array_equal(transfer.encode(light, np.uint8), pixels)
    wide = transfer.encode(light, np.uint16)
    np.testing.assert_array_equal(wide[..., 2:], pixels[..., 2:].astype(int) * 257)
    assert np.abs(wide.astype(int) - pixels.astype(int) * 257).max() == 0
    same = Transfer((SRGB,) * 3)
    np.testing.assert_array_equal(same.encode(same.decode(pixels[::-1, ::2]), np.uint8), pixels[::-1, ::2])


def test_rows_may_come_in_any_bands(monkeypatch):
    monkeypatch.setattr("imconv.pixels.levels.BLOCK", 50)
    transfer = Transfer((SRGB, BT709, SRGB))
    pixels = np.random.default_rng(4).integers(0, 65536, (23, 19, 3)).astype(np.uint16)
    light = transfer.decode(pixels)
    for cut in (1, 5, 22):
        np.testing.assert_array_equal(np.vstack([transfer.decode(pixels[:cut]), transfer.decode(pixels[cut:])]), light)
        parts = [transfer.encode(light[:cut], np.uint16), transfer.encode(light[cut:], np.uint16)]
        np.testing.assert_array_equal(np.vstack(parts), pixels)
    assert transfer.decode(pixels[:0]).shape == (0, 19, 3)


def test_clipped_samples_are_counted():
    light = np.array([[-1, -1e-6, 0, 0.5, 1, 1.0001, 1.1, np.nan]], np.float32)
    assert Transfer((STRAIGHT,)).clipped(light, np.uint8) == 2
    assert Transfer((SRGB,)).clipped(light, np.uint16) == 4  # half a level of 65535 is less than 0.0001
    assert level_table(SRGB, 255) is level_table(SRGB, 255)
