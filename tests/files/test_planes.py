"""Pictures of planes: any number of channels that are no colours, from TIFF and NumPy files and back, filtered each by itself."""

import io
import json

import numpy as np
import pytest
import tifffile

import imconv
from imconv.errors import FileError, ImconvError, OptionError
from imconv.files import inspect, read
from imconv.files.formats import FORMATS

TYPES = ("uint8", "uint16", "float32")
CONTENTS = {  # photometric interpretation, what the extra samples are, and how many channels that makes
    "grey and one": ("minisblack", [0], 2),
    "grey and five": ("minisblack", [0] * 5, 6),
    "RGB and one": ("rgb", [0], 4),
    "RGB, alpha and one": ("rgb", [2, 0], 5),
    "RGB and six": ("rgb", [0] * 6, 9),
    "CMYK and one": ("separated", [0], 5),
}
LAYOUTS = {
    "contiguous": {"planarconfig": "contig"},
    "planes apart": {"planarconfig": "separate"},
    "deflated": {"planarconfig": "contig", "compression": "deflate"},
    "deflated planes": {"planarconfig": "separate", "compression": "deflate", "predictor": True},
    "tiles": {"planarconfig": "contig", "tile": (16, 32)},
    "big and big-endian": {"planarconfig": "contig", "bigtiff": True, "byteorder": ">"},
}


def planes(dtype: str, channels: int, shape=(45, 37)) -> np.ndarray:
    rng = np.random.default_rng(channels)
    scaled = rng.random((*shape, channels)) * (1 if dtype.startswith("f") else np.iinfo(dtype).max)
    return scaled.astype(dtype)


def tiff(samples: np.ndarray, content: str, layout: str = "contiguous") -> bytes:
    photometric, extra, _ = CONTENTS[content]
    options = dict(LAYOUTS[layout])
    if options["planarconfig"] == "separate":
        samples = np.moveaxis(samples, -1, 0)
    how = {name: options.pop(name) for name in ("bigtiff", "byteorder") if name in options}
    file = io.BytesIO()
    with tifffile.TiffWriter(file, **how) as writer:
        writer.write(samples, photometric=photometric, extrasamples=extra, metadata=None, **options)
    return file.getvalue()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_tiff(content, layout, dtype):
    photometric, extra, channels = CONTENTS[content]
    if "predictor" in LAYOUTS[layout] and dtype == "float32":
        pytest.importorskip("imagecodecs")
    samples = planes(dtype, channels)
    data = tiff(samples, content, layout)
    picture = read(io.BytesIO(data))
    assert (picture.mode, picture.channels, picture.has_alpha) == ("planes", channels, False)
    np.testing.assert_array_equal(picture.pixels, samples)
    header = inspect(io.BytesIO(data))
    assert (header.mode, header.channels) == ("planes", channels)
    again = imconv.files.encode(picture, "tiff")
    with tifffile.TiffFile(io.BytesIO(again)) as file:
        page = file.pages[0]
        assert (page.photometric.name.lower(), [int(x) for x in page.extrasamples]) == (photometric, extra)
        np.testing.assert_array_equal(page.asarray(), samples)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_numpy_files(kind, dtype):
    samples = planes(dtype, 7)
    data = imconv.files.encode(samples, kind)
    picture = read(io.BytesIO(data))
    assert (picture.mode, picture.channels) == ("planes", 7)
    np.testing.assert_array_equal(picture.pixels, samples)
    np.testing.assert_array_equal(np.load(io.BytesIO(imconv.files.encode(picture, "npy"))), samples)


def test_stacks_are_not_taken_for_planes():
    for shape in ((7, 40, 50), (40, 50, 60), (5, 5, 5)):
        file = io.BytesIO()
        np.save(file, np.zeros(shape, np.uint8))
        with pytest.raises(FileError, match="is no picture"):
            read(io.BytesIO(file.getvalue()))


@pytest.mark.parametrize("kind", [name for name in FORMATS if name not in ("TIFF", "NPY", "NPZ", "HEIC")])
def test_other_formats_name_those_that_can(kind):
    with pytest.raises(FileError, match=r"6 channels that are no colours.*write TIFF, NPY, NPZ"):
        imconv.files.encode(planes("uint8", 6), kind)


FILTERS = {
    "blur": ("--sigma", "2"),
    "box": ("--size", "4x3"),
    "sharpen": (),
    "unsharp": ("--sigma", "1"),
    "apply": ("-k", "1 2 3; 4 5 6; 7 8 10", "--normalize"),
    "edges": (),
    "median": ("--size", "5"),
    "rank": ("--size", "3", "--percentile", "20"),
    "max": ("--size", "3"),
    "deviation": ("--size", "3"),
    "contrast": ("--sigma", "2"),
    "pool": ("--op", "avg", "--size", "2"),
    "emboss": (),
    "motion": ("--length", "4"),
    "disk": ("--radius", "2"),
    "gabor": ("--wavelength", "5"),
    "tophat": ("--size", "3"),
}


@pytest.mark.parametrize("name", FILTERS)
def test_commands_filter_each_plane_by_itself(name, tmp_path, monkeypatch):
    from imconv.cli import run

    monkeypatch.chdir(tmp_path)
    samples = planes("uint16", 6)
    (tmp_path / "planes.tif").write_bytes(tiff(samples, "grey and five"))
    assert run([name, "planes.tif", "out.tif", *FILTERS[name]]) == 0
    result = read("out.tif")
    for plane in range(6):
        imconv.write("one.png", np.ascontiguousarray(samples[..., plane]))
        assert run([name, "one.png", "one-out.png", *FILTERS[name]]) == 0
        np.testing.assert_array_equal(result.pixels[..., plane], read("one-out.png").pixels)
    if name == "pool":
        return
    assert run([name, "planes.tif", "some.tif", *FILTERS[name], "--channels", "1,4"]) == 0
    some = read("some.tif").pixels
    for plane in range(6):
        np.testing.assert_array_equal(some[..., plane], (result.pixels if plane in (1, 4) else samples)[..., plane])


def test_in_bands_as_in_memory(tmp_path, monkeypatch):
    from imconv import file_to_file
    from imconv.cli import run

    monkeypatch.chdir(tmp_path)
    (tmp_path / "planes.tif").write_bytes(tiff(planes("uint8", 9, (300, 40)), "RGB and six", "deflated"))
    assert run(["blur", "planes.tif", "memory.tif", "--sigma", "2"]) == 0
    monkeypatch.setattr(file_to_file, "WORTH_BANDS", 0)
    assert run(["blur", "planes.tif", "bands.tif", "--sigma", "2"]) == 0
    assert (tmp_path / "bands.tif").read_bytes() == (tmp_path / "memory.tif").read_bytes()


def test_info_and_compare(tmp_path, monkeypatch, capfdbinary):
    from imconv.cli import run

    monkeypatch.chdir(tmp_path)
    (tmp_path / "planes.tif").write_bytes(tiff(planes("uint8", 6), "grey and five"))
    assert run(["info", "planes.tif", "--json"]) == 0
    facts = json.loads(capfdbinary.readouterr().out)
    facts = facts[0] if isinstance(facts, list) else facts
    assert (facts["channels"], facts["mode"], facts["alpha"]) == (6, "planes", False)
    assert run(["compare", "planes.tif", "planes.tif", "-o", "sheet.tif", "-q"]) == 0
    assert read("sheet.tif").channels == 6


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("blur", "planes.tif", "out.png", "--sigma", "1"), "no colours"),
        (("blur", "planes.tif", "out.tif", "--sigma", "1", "--linear"), "no linear light"),
        (("blur", "planes.tif", "out.tif", "--sigma", "1", "--channels", "luma"), "luma is of red"),
        (("blur", "planes.tif", "out.tif", "--sigma", "1", "--channels", "6"), "0 to 5"),
        (("show", "planes.tif"), "no colours"),
        (("net", "run", "lenet5", "planes.tif"), "planes"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_needs_colours_says_so(command, words, tmp_path, monkeypatch, capfd):
    from imconv.cli import run

    monkeypatch.chdir(tmp_path)
    (tmp_path / "planes.tif").write_bytes(tiff(planes("uint8", 6), "grey and five"))
    assert run(list(command)) in (1, 2)
    assert words in capfd.readouterr().err


def test_the_library_takes_pictures_of_planes():
    samples = planes("float32", 6)
    picture = imconv.Picture(samples)
    blurred = imconv.gaussian_blur(picture, 1.5)
    np.testing.assert_array_equal(blurred.pixels, imconv.gaussian_blur(samples, 1.5, channel_axis=2))
    assert blurred.mode == "planes"
    with pytest.raises(ImconvError, match="channel_axis=0"):
        imconv.gaussian_blur(samples, 1.5)
    with pytest.raises(OptionError, match="modes are"):
        imconv.Picture(samples, "rgb")
