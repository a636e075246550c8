"""Contact sheets: where maps lie, how they are scaled, what colours tell."""

import numpy as np
import pytest

import imconv
from imconv.geometry.arrangement import columns_for
from imconv.sheet import NEGATIVE, POSITIVE, ZERO, contact_sheet


def test_maps_lie_row_by_row_with_white_between():
    maps = [np.full((2, 3), n, np.uint8) for n in range(5)]
    sheet = contact_sheet(maps, columns=2, gap=1)
    expected = np.full((8, 7), 255)
    for n in range(5):
        y, x = divmod(n, 2)
        expected[3 * y : 3 * y + 2, 4 * x : 4 * x + 3] = n
    np.testing.assert_array_equal(sheet, expected)
    np.testing.assert_array_equal(contact_sheet(np.stack(maps), columns=2, gap=1), expected)


@pytest.mark.parametrize("dtype", ["bool", "uint16", "int16", "float32"])
def test_the_type_stays(dtype):
    maps = [np.zeros((2, 2, 3), dtype), np.ones((2, 2, 3), dtype)]
    sheet = contact_sheet(maps, columns=2, gap=1)
    assert sheet.dtype == dtype
    assert (sheet[:, 2] == (1 if dtype in ("bool", "float32") else np.iinfo(dtype).max)).all()


def test_nearly_square():
    assert [columns_for(n, (10, 10)) for n in (1, 2, 3, 4, 6, 8, 9, 12, 16, 64, 96)] == [
        1, 2, 2, 2, 3, 4, 3, 4, 4, 8, 12,
    ]  # fmt: skip
    assert columns_for(6, (10, 60)) == 1
    assert columns_for(6, (60, 10)) == 6


def test_scaled_each_and_all():
    maps = [np.array([[0.0, 1.0, 2.0]]), np.array([[1.0, 3.0, 4.0]])]
    assert contact_sheet(maps, columns=1, gap=0, scale="each").tolist() == [[0, 128, 255], [0, 170, 255]]
    both = contact_sheet(maps, columns=1, gap=0, scale="all")
    assert (both.tolist(), both.dtype) == ([[0, 64, 128], [64, 191, 255]], np.uint8)
    assert contact_sheet([np.full((2, 2), 7)], scale="each").tolist() == [[0, 0], [0, 0]]


def test_signs_are_colours():
    sheet = contact_sheet([np.array([[-2.0, 0.0, 1.0]]), np.array([[4.0, -4.0, 0.0]])], columns=1, gap=0, scale="each")
    half = np.floor((np.array(ZERO) + POSITIVE) / 2 + 0.5)
    np.testing.assert_array_equal(sheet[0], [NEGATIVE, ZERO, half])
    np.testing.assert_array_equal(sheet[1], [POSITIVE, NEGATIVE, ZERO])
    both = contact_sheet([np.array([[-2.0]]), np.array([[4.0]])], columns=1, gap=0, scale="all")
    np.testing.assert_array_equal(both[1, 0], POSITIVE)
    np.testing.assert_array_equal(both[0, 0], np.floor((np.array(ZERO) + NEGATIVE) / 2 + 0.5))
    assert contact_sheet([np.array([[-1]]), np.array([[1]])], scale="each").shape == (1, 6, 3)


def test_what_is_not_finite():
    found = contact_sheet([np.array([[np.nan, np.inf, -np.inf, 0.0, 10.0]])], scale="each")
    assert found.tolist() == [[0, 255, 0, 0, 255]]
    assert contact_sheet([np.full((1, 2), np.nan)], scale="all").tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("maps", "options", "message"),
    [
        ([], {}, "at least one"),
        ([np.zeros((2, 2)), np.zeros((2, 3))], {}, "one shape"),
        ([np.zeros((2, 2)), np.zeros((2, 2), int)], {}, "one shape and type"),
        ([np.zeros(3)], {}, "one shape"),
        ([np.zeros((2, 2))], {"scale": "al"}, "unknown scale 'al'.*all"),
        ([np.zeros((2, 2, 3))], {"scale": "all"}, "one channel"),
        ([np.zeros((2, 2))], {"columns": 0}, "columns must be"),
        ([np.zeros((2, 2))], {"gap": -1}, "gap must be"),
    ],
)
def test_sheets_that_are_none(maps, options, message):
    with pytest.raises(imconv.ImconvError, match=message):
        imconv.contact_sheet(maps, **options)
