"""Files of several pages on the command line: all are filtered, or the one that --page names."""

import json

import numpy as np
import pytest
import tifffile

from imconv.filters.apply import _planned
from imconv.stages.convolution.filter import LinearFilter
from tests.refused import refused


@pytest.fixture
def book(folder) -> list[np.ndarray]:
    """book.tif, three pages of different sizes and types, and the pages themselves."""
    rng = np.random.default_rng(4)
    pages = [
        rng.integers(0, 256, (12, 17, 3), dtype=np.uint8),
        rng.integers(0, 65536, (20, 9), dtype=np.uint16),
        rng.random((8, 8), dtype=np.float32),
    ]
    with tifffile.TiffWriter(folder / "book.tif") as writer:
        for page in pages:
            writer.write(page, photometric="rgb" if page.ndim == 3 else "minisblack", metadata=None, software=False)
    return pages


def expected(page: np.ndarray) -> np.ndarray:
    import imconv

    return imconv.box_blur(page, 3)


def read_book(path) -> list[np.ndarray]:
    with tifffile.TiffFile(path) as file:
        return [page.asarray() for page in file.pages]


def test_every_page_is_filtered(succeeds, book):
    succeeds("box", "book.tif", "out.tif", "--size", 3)
    results = read_book("out.tif")
    assert len(results) == 3
    for page, result in zip(book, results, strict=True):
        np.testing.assert_array_equal(result, expected(page))


def test_a_stream_keeps_its_pages(succeeds, book, folder):
    result = succeeds("box", "-", "-", "--size", 3, stdin=(folder / "book.tif").read_bytes())
    (folder / "out.tif").write_bytes(result.out)
    assert len(read_book("out.tif")) == 3


def test_one_page_is_filtered(succeeds, book):
    for number, page in enumerate(book):
        succeeds("box", "book.tif", "out.tif", "--size", 3, "--page", number)
        (result,) = read_book("out.tif")
        np.testing.assert_array_equal(result, expected(page))


@pytest.mark.parametrize("shape", [(12, 17), (12, 17, 3), (9, 70, 4)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("end", ["npy", "npz"])
def test_a_stack_becomes_one_array(succeeds, folder, end, dtype, shape):
    stack = np.random.default_rng(5).integers(0, 250, (4, *shape)).astype(dtype)
    metadata = {"photometric": "rgb", "extrasamples": ["unassalpha"] * (shape[2] == 4)} if len(shape) == 3 else {}
    with tifffile.TiffWriter(folder / "stack.tif") as writer:
        for page in stack:
            writer.write(page, metadata=None, software=False, **metadata)
    succeeds("box", "stack.tif", f"out.{end}", "--size", 3, "--alpha", "separate")
    found = np.load(f"out.{end}")
    found = found["image"] if end == "npz" else found
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, np.stack([expected(page) for page in stack]))
    succeeds("box", "stack.tif", f"out.{end}", "--size", 3, "--alpha", "separate", "--page", 2)
    found = np.load(f"out.{end}")
    np.testing.assert_array_equal(found["image"] if end == "npz" else found, expected(stack[2]))


def test_pages_that_are_no_stack(succeeds, book, folder):
    """The first, with a note that says why; the library refuses them."""
    import imconv

    result = succeeds("box", "book.tif", "out.npy", "--size", 3, notes=True)
    assert result.err == (
        "imconv: book.tif: first of 3 pages, which differ in size or type: NPY holds one array; --page chooses\n"
    )
    np.testing.assert_array_equal(np.load("out.npy"), expected(book[0]))
    message = "NPY holds pages of one size and type, as one array; these are 17 x 12, 8-bit rgb and 9 x 20, 16-bit grey"
    refused(imconv.ImconvError, message, imconv.write_pages, "none.npy", book)
    assert not (folder / "none.npy").exists()
    imconv.write_pages("two.npy", [book[0], book[0]])
    assert np.load("two.npy").shape == (2, 12, 17, 3)


def test_a_format_of_one_picture_gets_the_first(succeeds, book, load):
    result = succeeds("box", "book.tif", "out.ppm", "--size", 3, notes=True)
    assert result.err == "imconv: book.tif: first of 3 pages, since PPM holds one; --page chooses\n"
    np.testing.assert_array_equal(load("out.ppm"), expected(book[0]))
    succeeds("box", "book.tif", "out.pgm", "--size", 3, "--page", 1)


@pytest.mark.parametrize(
    ("page", "code", "words"),
    [("3", 1, "imconv: book.tif: has no page 3; its 3 pages are 0 to 2\n"),
     ("-1", 2, "--page must be a whole number from 0"), ("first", 2, "--page must be a whole number from 0")],
)  # fmt: skip
def test_wrong_pages_are_one_clear_line(imconv, book, folder, page, code, words):
    result = imconv("box", "book.tif", "out.tif", "--size", 3, "--page", page)
    assert result.code == code
    assert words in result.err
    assert not (folder / "out.tif").exists()


def test_what_one_page_cannot_be_stops_all_before_any_work(imconv, book, folder):
    result = imconv("box", "book.tif", "out.tif", "--size", 3, "--pad", "valid", "--stride", 1, "--max-memory", "1K")
    assert result.code == 1
    assert not (folder / "out.tif").exists()


def test_plans_and_reports_of_pages(succeeds, book, folder):
    result = succeeds("box", "book.tif", "out.tif", "--size", 3, "--dry-run", "--explain", notes=True)
    assert "page 2\n" in result.err
    assert "would write out.tif (TIFF, 3 pages of 17 x 12, 9 x 20, 8 x 8 pixels)" in result.err
    assert not (folder / "out.tif").exists()
    report = json.loads(succeeds("box", "book.tif", "out.tif", "--size", 3, "--json").out)
    assert [(page["width"], page["height"]) for page in report["pages"]] == [(17, 12), (9, 20), (8, 8)]
    assert report["pages"][0]["plan"] != report["pages"][1]["plan"]
    assert (report["input"], report["output"]) == ("book.tif", "out.tif")
    told = succeeds("box", "book.tif", "out.tif", "--size", 3, "-v", notes=True).err
    assert "17 x 12 pixels, 3 channels of uint8" in told
    assert "8 x 8 pixels, 1 channel of float32" in told


@pytest.mark.parametrize("options", [(), ("--linear",), ("--region", "4x4+1+1"), ("--verbose", "--json", "--explain")])
def test_what_is_told_is_what_is_run(succeeds, book, folder, monkeypatch, options):
    """Each page is planned once."""
    made = []
    plan = LinearFilter.plan

    def counted(self, shape, image_type, has_alpha):
        made.append(shape)
        return plan(self, shape, image_type, has_alpha)

    _planned.cache_clear()
    monkeypatch.setattr(LinearFilter, "plan", counted)
    succeeds("blur", "book.tif", "out.tif", "--sigma", 1, *options, notes=True)
    assert [shape[:2] for shape in made] == [page.shape[:2] for page in book]
    made.clear()
    monkeypatch.setattr("imconv.file_to_file.WORTH_BANDS", 0)
    succeeds("blur", "grey16.png", "out.png", "--sigma", 1, *options, notes=True)
    assert made in ([(24, 30)], [(24, 30, 1)])
