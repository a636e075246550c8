"""`imconv pool`: options, files in bands, chains, and the report on shift consistency."""

import json

import numpy as np
import pytest

from imconv import file_to_file, pool, read


@pytest.mark.parametrize(
    ("arguments", "op", "size", "options"),
    [
        ("--op max --size 2", "max", 2, {}),
        ("--op max --size 2x3 --stride 4,1", "max", (2, 3), {"stride": (4, 1)}),
        ("--op avg --size 3 --stride 2 --padding 1 --ceil", "avg", 3, {"stride": 2, "padding": 1, "ceil": True}),
        ("--op avg --size 3 --padding 1 --exclude-pad", "avg", 3, {"padding": 1, "count_include_pad": False}),
        ("--op min --size 2 --dilation 3", "min", 2, {"dilation": 3}),
        ("--op count --size 4 --where v>128", "count", 4, {"where": "v>128"}),
        ("--op stdev --size 4 --range stretch", "stdev", 4, {"range": "stretch"}),
        ("--op median --size 4 --depth 16", "median", 4, {"depth": 16}),
        ("--op sum --size 2 --alpha separate", "sum", 2, {"alpha": "separate"}),
        ("--op max --size 2 --antialias", "max", 2, {"antialias": 4}),
        ("--antialias --op max --size 2", "max", 2, {"antialias": 4}),
        ("--op max --size 2 --antialias 3", "max", 2, {"antialias": 3}),
        ("--op max --size 2 --antialias=5 --stride 4", "max", 2, {"antialias": 5, "stride": 4}),
        ("--op blur --size 5 --stride 2", "blur", 5, {"stride": 2}),
        ("--op avg --size 2 --linear", "avg", 2, {"linear": True}),
    ],
)
def test_the_command_is_the_function(succeeds, folder, monkeypatch, arguments, op, size, options):
    for name in ("rgb.png", "rgba.png", "grey16.png", "float.tif"):
        source, out = read(name), "out" + name[-4:]
        expected = pool(source, op, size, **options).pixels
        succeeds("pool", name, out, *arguments.split(), notes=True)
        np.testing.assert_array_equal(read(out).pixels, expected)
        with monkeypatch.context() as patch:
            patch.setattr(file_to_file, "WORTH_BANDS", 0)
            succeeds("pool", name, out, *arguments.split(), notes=True)
        np.testing.assert_array_equal(read(out).pixels, expected)


def test_the_value_of_antialias_may_be_left_out(succeeds, folder):
    """What follows it is a file."""
    succeeds("pool", "--op", "max", "--size", "2", "--antialias", "rgb.png", "out.png")
    np.testing.assert_array_equal(read("out.png").pixels, pool(read("rgb.png"), "max", 2, antialias=4).pixels)


def test_the_plan_is_told(imconv, folder):
    result = imconv("pool", "rgb.png", "out.png", "--op", "max", "--size", 2, "--explain", "--dry-run")
    assert "extremes: rows of a window compared" in result.err
    assert "24 x 30 x 3 -> 12 x 15 x 3" in result.err
    plan = json.loads(imconv("pool", "rgb.png", "out.png", "--op", "avg", "--size", 2, "--json").out)["plan"]
    assert (plan["operation"], plan["output"]) == ("avg", [12, 15, 3])


def test_a_step_of_a_chain(succeeds, refuses, folder):
    succeeds("chain", "pool --op max --size 2 | box --size 3", "rgb.png", "a.png", "--border", "wrap")
    succeeds("pool", "rgb.png", "b.png", "--op", "max", "--size", 2)
    succeeds("box", "b.png", "c.png", "--size", 3, "--border", "wrap")
    np.testing.assert_array_equal(read("a.png").pixels, read("c.png").pixels)
    refuses("a report belongs to pool alone", "chain", "pool --op max --size 2 --report", "rgb.png", "a.png")


def test_the_report(succeeds, folder):
    text = succeeds("pool", "rgb.png", "--op", "max", "--size", 2, "--report").out.decode()
    assert "shift consistency at stride 2,2, over 3 shifts" in text
    assert "anti-aliased 4,4" in text
    found = json.loads(succeeds("pool", "rgb.png", "--op", "max", "--size", 2, "--report", "--json").out)
    found = found["shift_consistency"]
    assert 0 < found["plain"]["correlation"] < found["antialiased"]["correlation"] < 1
    assert found["plain"]["psnr"] < found["antialiased"]["psnr"]
    assert f"{found['plain']['correlation']:.5f}"[:6] in text


def test_the_report_beside_a_picture(succeeds, imconv, folder):
    shown = succeeds("pool", "rgb.png", "out.png", "--op", "max", "--size", 2, "--report").out
    assert b"shift consistency" in shown
    np.testing.assert_array_equal(read("out.png").pixels, pool(read("rgb.png"), "max", 2).pixels)
    source = (folder / "rgb.png").read_bytes()
    piped = imconv("pool", "-", "-", "--op", "max", "--size", 2, "--report", stdin=source)
    assert piped.out.startswith(b"\x89PNG")
    assert "shift consistency" in piped.err
    whole = json.loads(succeeds("pool", "rgb.png", "out.png", "--op", "max", "--size", 2, "--report", "--json").out)
    assert (whole["output"], whole["shift_consistency"]["plain"]["shifts"]) == ("out.png", 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--op mex --size 2", "did you mean 'max'?"),
        ("--op max --size 2 --padding 3", "padding 3 is more than half"),
        ("--op max --size 2 --antialias 99", "antialias must be"),
        ("--op max --size 2 --border wrap", "pool has no option --border"),
        ("--op count --size 2 --where v~3", "where must be v"),
        ("--op max --size 99", "no output is left"),
        ("--op max --size 1 --report", "no shifts in between"),
        ("--op max --size 2 --stride 20 --report", "too small for a report"),
    ],
)
def test_wrong_options(refuses, folder, arguments, message):
    refuses(message, "pool", "rgb.png", "out.png", *arguments.split())
