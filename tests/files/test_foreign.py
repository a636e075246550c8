"""Files that imconv does not read are named for what they are, whatever their names say."""

import io
import struct

import numpy as np
import pytest
import tifffile

from imconv.errors import FileError
from imconv.files import encode, inspect, read
from imconv.files.foreign import recognized
from imconv.files.formats import FORMATS
from tests.foreign import FOREIGN, TGA
from tests.refused import refused


@pytest.mark.parametrize("look", [read, inspect])
@pytest.mark.parametrize("name", FOREIGN)
def test_named_by_content_in_one_line(tmp_path, name, look):
    data, words = FOREIGN[name]
    for called in (name, "picture.png", "picture"):
        path = tmp_path / called
        path.write_bytes(data)
        with pytest.raises(FileError) as caught:
            look(path)
        message = str(caught.value)
        assert message.startswith(f"{path}: {words}") or f": {words}" in message
        assert "\n" not in message
        assert "; " in message
    with pytest.raises(FileError) as caught:
        look(io.BytesIO(data), name="-")
    assert words in str(caught.value)


def test_what_is_read_is_never_taken_for_something_else(samples):
    """A format's own files are none of the table's, even where a row has the same first bytes, as videos and AVIF have."""
    for key, data in samples.items():
        assert recognized(data[:512]) is None, key
    assert set(FORMATS) >= {key.split()[0] for key in samples}


def test_a_header_that_no_tga_has():
    assert recognized(TGA) is not None
    for at, value in ((1, 2), (2, 7), (2, 1), (12, 0), (16, 7), (17, 0x40), (7, 1)):
        assert recognized(TGA[:at] + bytes([value]) + TGA[at + 1 :]) is None, (at, value)
    assert recognized(TGA[:17]) is None


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_each_kind_of_tiff_is_read(order, big):
    pixels = np.arange(60, dtype=np.uint16).reshape(5, 12)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, byteorder=order, bigtiff=big)
    assert buffer.getvalue()[2:4] in (b"*\0", b"\0*", b"+\0", b"\0+")
    np.testing.assert_array_equal(read(io.BytesIO(buffer.getvalue())).pixels, pixels)


def test_a_bigtiff_that_is_none():
    refused(FileError, "damaged or truncated TIFF file", read, io.BytesIO(b"II+\0\4\0\0\0" + bytes(20)), name="x")


def test_a_picture_with_a_subifd_is_no_raw_file():
    """Pyramids and previews have SubIFDs too; a camera's name alone decides nothing."""
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(pixels, subifds=1, photometric="rgb", extratags=[(271, 2, 0, "NIKON CORPORATION", True)])
        writer.write(pixels[:2, :2], subfiletype=1, photometric="rgb")
    np.testing.assert_array_equal(read(io.BytesIO(buffer.getvalue())).pixels, pixels)


def test_the_sensor_s_own_values_in_a_tiff():
    data = bytearray(encode(np.zeros((4, 4), np.uint16), "tiff"))
    (first,) = struct.unpack_from("<I", data, 4)
    for i in range(struct.unpack_from("<H", data, first)[0]):
        if struct.unpack_from("<H", data, first + 2 + 12 * i)[0] == 262:
            struct.pack_into("<H", data, first + 10 + 12 * i, 32803)
    refused(
        FileError, "x: is a camera's RAW file; its previews are not filtered; develop", read, io.BytesIO(data), name="x"
    )
