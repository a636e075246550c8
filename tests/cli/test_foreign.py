"""Each command that reads pictures, and kernels given as pictures, name a file that is none in one line."""

import pytest

from tests.foreign import FOREIGN

COMMANDS = {
    "blur": ("blur", "{}", "out.png", "--sigma", "2"),
    "info": ("info", "{}"),
    "compare": ("compare", "{}", "rgb.png"),
    "compare with": ("compare", "rgb.png", "{}"),
    "apply": ("apply", "{}", "out.png", "-k", "1 2 1"),
    "kernel": ("apply", "rgb.png", "out.png", "-k", "{}"),
    "kernels show": ("kernels", "show", "{}"),
    "chain": ("chain", "blur --sigma 2 | sharpen", "{}", "out.png"),
    "show": ("show", "{}"),
    "mask": ("blur", "rgb.png", "out.png", "--sigma", "2", "--mask", "{}"),
    "median": ("median", "{}", "out.png", "--size", "3"),
    "trace": ("trace", "{}", "--pixel", "1,1", "-k", "1 2 1"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", FOREIGN)
def test_one_line_says_what_it_is(imconv, folder, command, name):
    data, words = FOREIGN[name]
    file = "given" + (name if "." in name else "")
    if command.startswith("kernel"):
        if words.startswith(("is text", "is empty")) or name == "a.zip":
            pytest.skip("a kernel's own errors")
        if "any known format" in words:
            words, file = "not a picture in any known format", "given.png"
    (folder / file).write_bytes(data)
    result = imconv(*(argument.format(file) for argument in COMMANDS[command]))
    assert result.code == 1, result.err
    assert result.err.count("\n") == 1, result.err
    assert result.err.startswith("imconv: "), result.err
    assert f"{file}: {words}" in result.err
    assert result.out == b""
    assert not (folder / "out.png").exists()


def test_a_stream_is_named_as_well(imconv, folder):
    for name in ("a.psd", "a.nef", "lfs.png", "error.png"):
        data, words = FOREIGN[name]
        result = imconv("blur", "-", "-", "--sigma", "2", stdin=data)
        assert result.code == 1
        assert words in result.err
