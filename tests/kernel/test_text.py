"""Kernel files: every form is read exactly, every error tells its place, and what is written reads back equal."""

import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from imconv.errors import FileError, KernelError, OptionError
from imconv.geometry.sizes import MAX_SIDE
from imconv.kernel.argument import resolve
from imconv.kernel.kernel import Kernel
from imconv.kernel.text import parse, write
from tests.effort import at_most
from tests.refused import refused


def fractions_of(kernel):
    return [[Fraction(int(n), kernel.denominator) for n in row] for row in kernel.numerators]


def message(text, **options):
    return refused(KernelError, "", parse, text, **options)


def refusal(function, *arguments, **options):
    """The message of the error a call raises, or nothing; an error of another kind is the test's failure."""
    try:
        function(*arguments, **options)
    except (KernelError, OptionError, FileError) as error:
        return str(error)
    return ""


# --- rows ---
SHARPEN = [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]


@pytest.mark.parametrize(
    "text",
    [
        "0 -1 0\n-1 5 -1\n0 -1 0",
        "0,-1,0\n-1,5,-1\n0,-1,0\n",
        "0;-1;0\n-1;5;-1\n0;-1;0",
        "0, -1, 0,\n-1, 5, -1,\n0, -1, 0,\n",
        "0\t-1\t0\r\n-1\t5\t-1\r\n\r\n0\t-1\t0\r\n",
        "0 -1 0\r-1 5 -1\r0 -1 0",
        "\ufeff# a comment\n\n  0 -1 0 # the first row\n-1 5 -1\n0 -1 0#\n",
        "0 -1 0; -1 5 -1; 0 -1 0",
        "0,-1,0; -1,5,-1; 0,-1,0;",
        "0,-1,0;-1,5,-1;0,-1,0",
        "3x3: 0,-1,0 -1,5,-1 0,-1,0",
        "3x3+1+1: 0,-1,0 -1,5,-1 0,-1,0",
        "3: 0 -1 0\n-1, 5, -1,\n0\n-1 0",
        "3 3\n0 -1 0\n-1 5 -1\n0 -1 0",
        "3 3 1 0\n0 -1 0\n-1 5 -1\n0 -1 0",
    ],
)
def test_one_kernel_many_spellings(text):
    assert parse(text) == Kernel(SHARPEN)


def test_semicolons_in_one_line():
    assert parse("1;2;1").shape == (1, 3)
    assert parse("1; 2; 1").shape == (3, 1)
    assert parse("1,2;3,4").shape == (2, 2)
    assert parse("divisor: 4\n1 1; 1 1").sum() == 1
    assert parse("1;2\n3;4").shape == (2, 2)


def test_distinct_weights_land_where_they_were_written():
    assert parse("1 2 4\n8 16 32").weights.tolist() == [[1, 2, 4], [8, 16, 32]]
    assert parse("3x2: 1 2 4 8 16 32").weights.tolist() == [[1, 2, 4], [8, 16, 32]]


def test_fractions_are_kept():
    lecture = parse("0.1 0.1 0.1\n0.1 0.2 0.1\n0.1 0.1 0.1")
    assert lecture.denominator == 10
    assert fractions_of(lecture)[1][1] == Fraction(1, 5)
    sharpen = parse("-1/9 -1/9 -1/9\n-1/9 2-1/9 -1/9\n-1/9 -1/9 -1/9")
    assert (sharpen.denominator, sharpen.numerators[1, 1]) == (9, 17)


def test_cells_left_out():
    kernel = parse("nan 1 -\n1 2 1\nNaN 1 -")
    assert kernel.included.tolist() == [[False, True, False], [True] * 3, [False, True, False]]
    assert kernel.weights.tolist() == [[0, 1, 0], [1, 2, 1], [0, 1, 0]]


# --- headers ---
def test_headers():
    kernel = parse(
        "Name: my box # mine\nsource: C# in a nutshell\nscale: 2\ndivisor: 18\noffset: 1/2\nanchor: 0 2\n"
        + "1 1 1\n" * 3
    )
    assert kernel.name == "my box"
    assert kernel.source == "C# in a nutshell"
    assert (kernel.denominator, kernel.offset, kernel.anchor) == (9, Fraction(1, 2), (0, 2))
    assert parse("anchor: 1,0\n1 2\n3 4").anchor == (1, 0)
    assert parse('name: "two\\nlines # and more"  # comment\n1').name == "two\nlines # and more"
    assert parse("name:\n1").name is None


def test_normalize():
    assert parse("normalize: yes\nscale: 5\n1 2 1").weights.tolist() == [[0.25, 0.5, 0.25]]
    assert parse("normalize: no\n1 2 1").sum() == 4
    assert "sum to 0" in message("normalize: yes\n1 0 -1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 2\n3 abc", "line 2, column 3: read 'abc', expected a number such as 1, 0.5, 1/9 or 2-1/9"),
        (
            "1 2\n\n# c\n3 4 5",
            "line 4, column 5: read a row of 3 numbers, expected 2, as many as the first row has (line 1)",
        ),
        ("1 2\n3", "line 2, column 2: read a row of 1 number, expected 2"),
        ("0 1; 2 3x; 4 5", "line 1, column 8: read '3x'"),
        ("1 2;;3 4", "line 1, column 5: read the end of an empty row, expected numbers"),
        ("1,,2", "line 1, column 3: read ',', expected a number before it"),
        (", 1", "line 1, column 1: read ',', expected a number before it"),
        ("", "line 1, column 1: read the end, expected rows of numbers"),
        ("# nothing\n", "line 1, column 10: read the end"),
        ("divizor: 3\n1", "line 1, column 1: read 'divizor:', expected a number or one of the headers"),
        ("divizor: 3\n1", "did you mean 'divisor'?"),
        (" divisor: 0\n1", "line 1, column 11: read '0', expected a divisor other than 0"),
        ("scale: 1 2\n1", "line 1, column 8: read '1 2', expected one number after scale:"),
        ("scale:\n1", "line 1, column 7: read the end of the line"),
        ("scale: 1x\n1", "line 1, column 8: read '1x'"),
        ("scale: 1\nscale: 2\n1",
         "line 2, column 1: read a second 'scale:', expected one alone (the first is in line 1)"),
        ("1\nscale: 2", "line 2, column 1: read 'scale:', expected headers before"),
        ("anchor: 1 x\n1 2\n3 4", "line 1, column 11: read 'x'"),
        ("anchor: 2 0\n1 2\n3 4", "line 1, column 9: read '2 0', expected a row from 0 to 1 and a column from 0 to 1"),
        ("anchor: 1/2 0\n1 2\n3 4", "line 1, column 9"),
        ("normalize: maybe\n1", "line 1, column 12: read 'maybe', expected yes or no"),
        ('name: "x\n1', "line 1, column 7"),
        ('name: "x" y\n1', "line 1, column 10: read 'y'"),
        ("- nan", "at least one cell"),
        ("1\0", "not a text file"),
        ("3x3: 1 2 3", "line 1, column 11: read the end after 3 numbers, expected 9"),
        ("2x1: 1 2 3", "read the end after 3 numbers, expected 2"),
        ("3x3<>: 1", "line 1, column 4: read '<>'"),
        ("2x2+2+0: 1 2 3 4", "line 1, column 4: read '+2+0', expected an origin from +0+0 to +1+1"),
        ("2x2-1+0: 1 2 3 4", "expected an origin"),
        ("0x3: 1", "line 1, column 1: read '0x3:'"),
        ("9999x9999: 1", "from 1 to 8191"),
        ("anchor: 0 0\n2x2+1+1: 1 2 3 4", "the ImageMagick string has its own"),
        ("3x3: 1,2,3;3x3: 1", "line 1, column 12: read '3x3:'"),
        ("scale: 1e99/1e-99\n1e99/1e-90", "larger than float64"),
        ("1 " * (MAX_SIDE + 1), f"at most {MAX_SIDE} in a row"),
        ("1\n" * (MAX_SIDE + 2), f"line {MAX_SIDE + 2}, column 1: read one more row"),
        ("\x07\x1b[31m", "read '\\x07\\x1b[31m'"),
    ],
)  # fmt: skip
def test_errors_tell_the_place(text, expected):
    said = message(text)
    assert expected in said
    assert said.startswith("kernel: ")
    assert message(text, filename="dir/k.txt").startswith("dir/k.txt: ")


def test_file_names_stay_on_one_line():
    assert message("x", filename="a\nb.txt").startswith("a?b.txt: line 1, column 1: read 'x'")


def test_long_words_are_cut():
    assert len(message("x" * 100_000)) < 200


# --- ImageMagick and libvips ---
def test_imagemagick_origins():
    assert parse("4x2: 1 2 3 4 5 6 7 8").anchor == (0, 1)  # ImageMagick's (size - 1) // 2, not imconv's size // 2
    assert parse("4x2+3+1: 1 2 3 4 5 6 7 8").anchor == (1, 3)
    assert parse("anchor: 1 2\n4x2: 1 2 3 4 5 6 7 8").anchor == (1, 2)
    assert parse("scale: 1/2\n2x1: 1 nan").weights.tolist() == [[0.5, 0]]


def test_libvips_matrices():
    kernel = parse("2 3 8 128\n1 2\n3 4\n5 6")
    assert (kernel.shape, kernel.denominator) == ((3, 2), 8)
    assert (kernel.numerators.tolist(), kernel.offset) == ([[1, 2], [3, 4], [5, 6]], 128)


def test_a_matrix_only_where_rows_would_differ():
    assert parse("3 3 9\n1 1 1\n1 1 1\n1 1 1").shape == (4, 3)
    assert parse("2 2\n1 1\n1 1").shape == (3, 2)


# --- writing ---
def same(kernel, other):
    if kernel.denominator is None:  # floats of few digits are read as the fractions that they stand for
        np.testing.assert_array_equal(other.weights, kernel.weights)
        np.testing.assert_array_equal(other.included, kernel.included)
        assert other.anchor == kernel.anchor
    else:
        assert other == kernel
    assert (other.name, other.source, other.offset) == (kernel.name, kernel.source, kernel.offset)
    # == compares weights and cells left out; the text must not hold numbers that only round to them
    assert other.numerators is None or kernel.numerators is None or other.denominator == kernel.denominator


def test_written_in_columns():
    kernel = Kernel(
        [[Fraction(-1, 9)] * 2, [Fraction(17, 9), Fraction(100, 9)]],
        name="odd",
        source="here",
        anchor=(0, 0),
        offset=128,
    )
    assert write(kernel) == "name: odd\nsource: here\nanchor: 0 0\noffset: 128\ndivisor: 9\n-1  -1\n17 100\n"
    assert write(Kernel([[0.3, 1e-5], [-1, 20]])) == "0.3 1e-5\n -1   20\n"


weights = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300),
    st.integers(-1000, 1000),
    st.fractions(min_value=-5, max_value=5, max_denominator=60),
    st.sampled_from([2, 3, 4, Fraction(1, 3), 0.1, 1 / 3, 5e-324, 0.30000000000000004]),
)
words = st.one_of(
    st.none(), st.text(max_size=20), st.sampled_from(['"', "#", "a # b", "x\ny", " x ", "1 2 3", "name: x", "\ud800"])
)


@st.composite
def kernels(draw):
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    cells = draw(st.lists(st.lists(weights, min_size=columns, max_size=columns), min_size=rows, max_size=rows))
    included = None
    if draw(st.booleans()):
        included = draw(
            st.lists(st.lists(st.booleans(), min_size=columns, max_size=columns), min_size=rows, max_size=rows)
        )
        included[0][0] = True
        cells = [[w if i else 0 for w, i in zip(*pair, strict=True)] for pair in zip(cells, included, strict=True)]
    anchor = draw(st.one_of(st.none(), st.tuples(st.integers(0, rows - 1), st.integers(0, columns - 1))))
    offset = draw(
        st.one_of(st.just(0), st.integers(-500, 500), st.fractions(max_denominator=1000, min_value=-9, max_value=9))
    )
    return Kernel(cells, anchor=anchor, offset=offset, name=draw(words), source=draw(words), included=included)


@settings(max_examples=400, deadline=None)
@given(kernels())
@example(Kernel([[1e-5, 2.0**-14]]))
def test_written_kernels_read_back_equal(kernel):
    text = write(kernel)
    same(kernel, parse(text))
    same(kernel, parse(write(parse(text))))  # its text may differ: what is read is a fraction, what was written a float


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_written_arrays_read_back_equal(dtype):
    array = np.random.default_rng(1).standard_normal((9, 7)).astype(dtype)
    for factor in (1, 1e-200, 1e100) if dtype == np.float64 else (1,):
        kernel = Kernel(array * factor)
        same(kernel, parse(write(kernel)))


def test_weights_beside_their_fraction_keep_their_digits():
    off = np.nextafter(1 / 3, 1)
    kernel = Kernel([[off, 1 / 3]])
    assert kernel.denominator == 3  # recognised, within 4 ulp
    again = parse(write(kernel))
    assert (again.weights.tolist(), again.denominator) == ([[off, 1 / 3]], 3)


def test_factored_kernels_are_written():
    kernel = Kernel.from_factors([1, 2, 1], [Fraction(1, 16), Fraction(1, 8), Fraction(1, 16)], name="binomial")
    same(kernel, parse(write(kernel)))
    refused(KernelError, "too large", write, Kernel.from_factors(np.ones(8191), np.ones(8191)))


# --- text nobody should write ---
nasty = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            ["1", "2", "3", "-", "nan", "1/9", "2-1/9", "1e99", "0", "x", ";", ",", " ", "\n", "\r", "#", ":", "3x3", "2x1:",
             "+1+1", "scale:", "name:", "anchor:", "normalize: yes\n", '"', "\\", "e", "/", "/0", "\0", "1e999999999", "\ufeff"]
        ),
        max_size=25,
    ).map("".join),
)  # fmt: skip


@settings(max_examples=1000, deadline=None)
@given(nasty)
def test_any_text_is_a_kernel_or_one_line(text):
    said = refusal(parse, text, filename="k.txt")
    assert said.isprintable()
    assert not said or said.startswith("k.txt: ")


@pytest.mark.parametrize(
    "text",
    [
        "1e999999999",
        "1" * 10_000_000,
        " " * 10_000_000 + ",",
        "," + " " * 5_000_000 + "1",
        "a" * 5_000_000 + ":",
        "\n" * 3_000_000,
        "name: " + " " * 5_000_000 + "#",
        "9999999999x1: 1",
        "\n".join(" ".join(f"1/{i * 100 + j + 2}" for j in range(100)) for i in range(100)),
        "normalize: yes\n" + "\n".join(" ".join(f"1/{i * 100 + j + 2}" for j in range(100)) for i in range(100)),
    ],
    ids=range(10),
)
def test_hostile_text_ends_soon(text):
    with at_most(seconds=20):
        assert len(refusal(parse, text)) < 300


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize(
    "row",
    ["0,1;0,1;0,1", "0,1\t0,1\t0,1", "0,1; 0,1; 0,1;", '"0,1";"0,1";"0,1"', '"0,1","0,1","0,1"', "+0,1;,1;1,0e-1"],
)
def test_decimal_commas(row, mark, end):
    kernel = parse(mark + end.join([row] * 3), filename="k.csv")
    np.testing.assert_array_equal(kernel.weights, np.full((3, 3), 0.1))
    assert kernel.denominator == 10


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0,1;0,2;0,1", "'0 1 0 2 0 1', where commas part numbers, or '0.1 0.2 0.1', where they are decimal"),
        ("0,1 0,2\n0,1 0,2", "column 1: read commas beside another separator, '0,1 0,2'"),
    ],
)
def test_commas_that_may_be_either_are_named(text, words):
    with pytest.raises(KernelError, match=re.escape(words)):
        parse(text, filename="k.csv")


@pytest.mark.parametrize(
    "text",
    [
        "[[0, -1, 0], [-1, 5, -1], [0, -1, 0]]",
        "[[0, -1, 0],\n [-1, 5, -1],\n [0, -1, 0]]",
        "[0 -1 0; -1 5 -1; 0 -1 0]",
        "[0, -1, 0; -1, 5, -1; 0, -1, 0]",
        "0 \u22121 0; \u20131 5 \uff0d1; 0 -1 0",
        "0,-1,0; -1,5,-1; 0,-1,0",
        "0, -1, 0;\n-1, 5, -1;\n0, -1, 0;",
    ],
)
def test_lists_matrices_and_dashes(text):
    assert parse(text) == parse("0 -1 0\n-1 5 -1\n0 -1 0")
    assert resolve(text) == parse("0 -1 0\n-1 5 -1\n0 -1 0")
