"""The benchmarks' machinery on a tiny picture: who is refused, what is counted, what is printed. No timed assertions."""

import json
import math
import sys
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

import imconv
from benchmarks import algorithms, layers, session, timing
from benchmarks import files as whole_files
from benchmarks.__main__ import main
from benchmarks.cases import Case, Frame, default_cases, full_cases, rank_cases
from benchmarks.photograph import photograph
from benchmarks.report import failures, markdown_report, peak_text, ratio, text_report
from benchmarks.rivals import Imconv
from benchmarks.rivals.base import CannotDo, Rival, Way, full_array
from benchmarks.rivals.scipy_ndimage import ScipyNdimage
from benchmarks.timing import take_turns
from benchmarks.verification import verify
from tests.refused import refused

TINY = (64, 96)


class Liar(ScipyNdimage):
    """scipy with one pixel changed by 3 levels."""

    name = "liar"

    def way(self, case, image):
        honest = super().way(case, image)

        def run():
            result = np.array(honest.to_array(honest.run()))
            result[40, 50] += 3
            return result

        return Way(run, "lies", honest.tolerance, honest.reason)


class Scripted(Rival):
    """A rival that does whatever the test says."""

    name = "scripted"
    about = "scripted"
    version = "0"

    def __init__(self, way):
        self._way = way

    def way(self, case, image):
        return self._way(case, image)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3])
def test_scipy_passes_and_a_liar_does_not(dtype, channels):
    frame = Frame(*TINY, channels, dtype)
    cases = [
        Case(frame, "dense", 5), Case(frame, "dense", 5, stride=2),
        Case(frame, "dense", 5, dilation=2, border="reflect"), Case(frame, "gaussian", sigma=2), Case(frame, "box", 11),
        Case(frame, "sharpen"), Case(frame, "sobel"),
    ]  # fmt: skip
    record = session.run(cases, rounds=2, threads=2, rivals=[ScipyNdimage(2)])
    for result in record["results"]:
        entry = result["entries"]["scipy"]
        assert entry["status"] == "timed", (result["title"], entry)
        assert entry["error"] <= entry["tolerance"]
        assert len(entry["samples"]) == len(result["entries"]["imconv"]["samples"]) == 2
    (result,) = session.run(cases[:1], rounds=1, threads=1, rivals=[Liar(1)])["results"]
    assert result["entries"]["liar"]["status"] == "wrong"
    assert "samples" not in result["entries"]["liar"]


@pytest.mark.parametrize("case", rank_cases(TINY), ids=str)
def test_scipys_ranks_are_the_same(case):
    (result,) = session.run([case], rounds=1, threads=2, rivals=[ScipyNdimage(2)])["results"]
    assert (result["entries"]["scipy"]["status"], result["entries"]["scipy"]["error"]) == ("timed", 0)


def test_a_rival_that_fails_or_refuses_does_not_end_the_run():
    def fails(case, image):
        return Way(lambda: 1 / 0, "1 / 0", 0.0)

    def refuses(case, image):
        raise CannotDo("no such filter")

    case = Case(Frame(*TINY), "box", 3)
    for way, status in ((fails, "failed"), (refuses, "unsupported")):
        record = session.run([case], rounds=1, rivals=[Scripted(way)])
        assert record["results"][0]["entries"]["scripted"]["status"] == status
        assert record["results"][0]["entries"]["imconv"]["samples"]
        assert len(failures(record)) == (status == "failed")


def test_another_filter_is_timed_and_its_error_shown():
    case = Case(Frame(*TINY), "gaussian", sigma=2)
    record = session.run([case], rounds=1, rivals=[Scripted(lambda case, image: Way(lambda: image, "nothing", None))])
    entry = record["results"][0]["entries"]["scripted"]
    assert entry["status"] == "timed"
    assert f"off {entry['error']:.3g}" in text_report(record)
    assert "~ not the same filter" in text_report(record)


@pytest.mark.parametrize(
    ("ceiling", "status", "approximate"), [(None, "wrong", None), (4, "wrong", None), (5, "timed", True)]
)
def test_known_imprecision_is_marked_up_to_its_ceiling(ceiling, status, approximate):
    def off_by_five(case, image):
        result = np.array(Imconv(1).way(case, image).run())
        result[20, 20] += -5 if result[20, 20] > 100 else 5
        return Way(lambda: result, "5 levels off", 1, ceiling=ceiling)

    record = session.run([Case(Frame(*TINY), "box", 3)], rounds=1, rivals=[Scripted(off_by_five)])
    entry = record["results"][0]["entries"]["scripted"]
    assert (entry["status"], entry["error"]) == (status, 5)
    assert entry.get("approximate") is approximate


def test_verify_sees_shape_type_size_and_nan():
    expected = np.full((6, 5), 100, np.uint8)
    assert verify(expected.copy(), expected, 0).passed
    assert not verify(expected[:5], expected, 9).passed
    assert not verify(expected.astype(float), expected, 9).passed
    near = expected.copy()
    near[0, 0] = 98  # below: the difference must not wrap around
    assert verify(near, expected, 2).error == 2
    assert not verify(near, expected, 1).passed
    assert verify(near, expected, 0, margin=1).passed
    real = np.array([[0.5, -2.0]], np.float32)
    assert verify(real + np.float32(0.5), real, 0.25).passed  # relative to the largest sample, 2
    assert not verify(np.full_like(real, np.nan), real, 1e9).passed


def test_turns_are_interleaved_and_slow_ones_are_timed_once(monkeypatch):
    monkeypatch.setattr(timing, "SHORT", 0)
    order = []
    runs = {"a": lambda: order.append("a"), "b": lambda: order.append("b")}
    take_turns(runs, 3, slow=math.inf)
    assert order == ["a", "b"] * 3
    samples = take_turns(runs, 3, slow=-1)  # everything is slower than this
    assert [len(s) for s in samples.values()] == [1, 1]


def test_short_calls_are_repeated_behind_one_that_is_not_timed(monkeypatch):
    calls = []
    monkeypatch.setattr(timing, "perf_counter", lambda: sum(calls))

    def run():
        calls.append(0.001 if calls else 0.02)  # the first finds the caches empty

    (seconds,) = take_turns({"short": run}, 1)["short"]
    assert len(calls) == 1 + round(timing.REPEATED / 0.001)
    assert seconds == pytest.approx(0.001)


def test_whoever_is_slow_is_run_only_once(monkeypatch):
    monkeypatch.setattr(timing, "SHORT", 0)
    calls = []

    def counted(case, image):
        return Way(lambda: calls.append(1) or image, "counts", None)

    for slow, count in ((-1, 1), (1e9, 1 + 1 + 3)):  # verified; verified, warmed up, timed
        calls.clear()
        record = session.run([Case(Frame(*TINY), "box", 3)], rounds=3, slow=slow, rivals=[Scripted(counted)])
        assert len(calls) == count
        entry = record["results"][0]["entries"]["scripted"]
        assert (len(entry["samples"]), entry["cut_short"]) == ((1, True) if slow < 0 else (3, False))


def test_whoever_takes_too_long_gets_no_more_of_that_work():
    sizes = []

    def counted(case, image):
        sizes.append((case.operation, case.size))
        return Way(lambda: image, "returns its input", None)

    cases = [Case(Frame(*TINY), *each) for each in (("dense", 3), ("dense", 5), ("dense", 3), ("box", 9))]
    record = session.run(cases, rounds=1, patience=-1, rivals=[Scripted(counted)])
    entries = [result["entries"]["scripted"] for result in record["results"]]
    assert [entry["status"] for entry in entries] == ["timed", "skipped", "skipped", "timed"]
    assert "dense 3x3" in entries[1]["reason"]
    assert sizes == [("dense", 3), ("box", 9)]
    sizes.clear()
    session.run(cases, rounds=1, patience=math.inf, rivals=[Scripted(counted)])
    assert len(sizes) == len(cases)


def fixed_record():
    """Samples chosen so that imconv's median is 4 ms and scipy's 10 ms."""
    record = session.run([Case(Frame(*TINY), "dense", 3)], rounds=1, rivals=[ScipyNdimage(1)])
    result = record["results"][0]
    result["megapixels"] = 12.0
    result["entries"]["imconv"]["samples"] = [0.009, 0.004, 0.003]
    result["entries"]["scipy"] |= {"samples": [0.010, 0.001, 0.030], "cut_short": False}
    return record


def test_tables_show_medians_ratio_and_speed():
    record = fixed_record()
    result = record["results"][0]
    assert ratio(result, "scipy") == pytest.approx(2.5)
    row = next(line for line in markdown_report(record).splitlines() if "dense 3x3" in line)
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "grey uint8 64 x 96", "dense 3x3", "4.0", "3000", "10 (2.5x)",
    ]  # fmt: skip
    assert "4.0   3000  10 (2.5x)" in text_report(record)
    result["entries"]["scipy"]["cut_short"] = True
    assert "10* (2.5x)" in text_report(record)
    result["entries"]["scipy"] = {"status": "wrong", "problem": "off by 7, accepted 1"}
    assert ratio(result, "scipy") is None
    assert "| wrong |" in markdown_report(record)
    assert failures(record) == ["dense 3x3 | grey uint8 64 x 96: scipy wrong: off by 7, accepted 1"]


def test_the_kept_file_prints_the_same_table(tmp_path, capsys):
    record = fixed_record()
    path = session.save(record, str(tmp_path / "kept.json"))
    assert main(["table", str(path)]) == 0
    assert capsys.readouterr().out.strip() == markdown_report(record).strip()
    path.write_text(json.dumps({"format": 0}))
    assert main(["table", str(path)]) == 1
    assert session.results_path("quick") == session.RESULTS / "quick.json"


def test_command_line_lists_and_selects(capsys):
    assert main(["--quick", "--only", "gaussian sigma 5 .*RGB", "--list"]) == 0
    assert capsys.readouterr().out == "Gaussian sigma 5 | RGB uint8 1000 x 1000\n"
    for arguments in (["--only", "no such case"], ["--only", "("], ["--quick", "--full"]):
        with pytest.raises(SystemExit):
            main(arguments)


def test_cases_are_what_they_say():
    assert len(set(default_cases())) == len(default_cases())
    assert set(map(str, full_cases())) >= set(map(str, default_cases()))
    case = Case(Frame(5, 7), "dense", 5, stride=2, dilation=2)
    assert np.linalg.matrix_rank(case.weights) == 5
    assert (case.dilated_weights.shape, case.dilated_weights.sum()) == ((9, 9), pytest.approx(1))
    assert (case.radius, case.result_shape) == (4, (3, 4))
    assert full_array(case).shape == (5, 7)
    assert Case(Frame(5, 7), "gaussian", sigma=1).gaussian_weights.size == 9


def test_the_full_grid_is_whole():
    cases = full_cases()
    assert len(set(cases)) == len(cases)
    frames = {(c.frame.rows, c.frame.columns, c.frame.channels, c.frame.dtype) for c in cases}
    sizes, kinds = [(256, 256), (1000, 1000), (3000, 4000)], ["uint8", "uint16", "float32"]
    assert frames == {(*size, *rest) for size, *rest in product(sizes, (1, 3, 4), kinds)}
    titles = {c.title for c in cases}
    assert len(cases) == len(frames) * len(titles)  # every picture gets every operation
    dense = {f"dense {n}x{n}" for n in range(3, 32, 2)} | {
        "dense 5x5, stride 2", "dense 5x5, dilation 2", "sharpen 3x3", "Sobel magnitude",
    }  # fmt: skip
    assert titles >= dense | {f"Gaussian sigma {s:g}" for s in (0.5, 1, 10, 100)} | {"box 3x3", "box 201x201"}


@pytest.mark.parametrize("operation", ["dense", "gaussian", "box", "sharpen", "sobel"])
def test_alpha_is_filtered_like_a_colour(operation):
    """As the rivals do: they know no alpha."""
    frame = Frame(*TINY, 4)
    image = photograph(frame)
    result = Imconv(1).way(Case(frame, operation, 5, sigma=2), image).run()
    for channel in range(4):
        grey = Imconv(1).way(Case(Frame(*TINY), operation, 5, sigma=2), image[..., channel].copy()).run()
        np.testing.assert_array_equal(result[..., channel], grey)


@pytest.mark.parametrize("quick", [True, False])
def test_the_plans_grid_goes_picture_by_picture(quick):
    cases = algorithms.grid(quick)
    assert len(set(cases)) == len(cases)
    frames = [case.frame for case in cases]
    assert frames == sorted(frames, key=list(dict.fromkeys(frames)).index)
    assert {case.operation for case in cases} == {"dense", "gaussian", "box", "log"}
    assert np.linalg.matrix_rank(next(case for case in cases if case.title == "LoG 9x9").weights) == 2


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_every_able_algorithm_is_held_against_another(dtype):
    frame = Frame(*TINY, 1, dtype)
    expected = {
        Case(frame, "dense", 3): {"dense"} if dtype == "uint8" else {"dense", "separable"},
        Case(frame, "gaussian", sigma=12): {"dense", "separable", *(["decimated"] if dtype == "uint8" else [])},
        Case(frame, "box", 7): {"dense", "separable", "box"},
        Case(frame, "log", 9): {"dense", "separable"},
    }
    record = algorithms.run(list(expected), rounds=1, threads=1)
    for result, able in zip(record["results"], expected.values(), strict=True):
        entries = result["entries"]
        assert set(entries) >= able
        assert result["chosen"] in entries
        timed = [name for name, entry in entries.items() if entry["status"] == "timed"]
        assert sum("error" in entries[name] for name in timed) == len(timed) - 1
        assert all(entry["status"] in ("timed", "hopeless") for entry in entries.values()), entries
    assert (record["results"][2]["entries"]["box"]["tolerance"] == 0) == (dtype == "uint8")
    assert record["results"][1]["entries"]["dense"]["status"] == "hopeless"
    assert "LoG 9x9" in algorithms.text_report(record)


def test_a_wrong_algorithm_is_not_timed(monkeypatch):
    honest = algorithms._runner

    def lying(plan, image, out, threads):
        run = honest(plan, image, out, threads)
        return (lambda: run() + np.uint8(1)) if plan.algorithm == "box" else run

    monkeypatch.setattr(algorithms, "_runner", lying)
    record = algorithms.run([Case(Frame(*TINY), "box", 3)], rounds=1, threads=1)
    (result,) = record["results"]
    assert result["entries"]["box"]["status"] == "wrong"
    assert "samples" not in result["entries"]["box"]
    assert "box is wrong: off by" in algorithms.text_report(record)


def test_badly_planned_rows_are_named(tmp_path, capsys):
    record = algorithms.run([Case(Frame(*TINY), "box", 7)], rounds=1, threads=1)
    (result,) = record["results"]
    result["chosen"] = "box"
    seconds = {"dense": [0.009], "separable": [0.004, 0.002], "box": [0.003, 0.005]}
    result["entries"] = {name: {"status": "timed", "samples": samples} for name, samples in seconds.items()}
    assert algorithms.chosen_to_best(result) == pytest.approx(1.5)
    path = session.save(record, str(tmp_path / "plan.json"))
    assert main(["table", str(path)]) == 0
    text = capsys.readouterr().out
    assert "1 of 1 plans take more than 1.3 times as long" in text
    assert "box 7x7 | grey uint8 64 x 96: box 3.0 ms, separable 2.0 ms: 1.50" in text
    algorithms.add_samples(result, {"entries": {name: {"samples": [0.002]} for name in result["entries"]}})
    assert not algorithms.is_bad(result)
    assert main(["plot", str(path), "-o", str(tmp_path / "no.png")]) == 1


def test_plan_lists_its_cases(capsys):
    assert main(["plan", "--quick", "--only", "LoG 9.*RGB uint16", "--list"]) == 0
    assert capsys.readouterr().out == "LoG 9x9 | RGB uint16 1250 x 1600\n"


def test_limits_count_what_was_done():
    from benchmarks import limits

    out = np.zeros((1, 256), np.float32)
    lanes = limits.multiply_add(10**5, np.float32(2), np.float32(0.999), np.float32(0.001), out)
    assert lanes == np.count_nonzero(out)
    np.testing.assert_allclose(out[0, 0], limits.CHAINS, rtol=1e-3)  # every chain runs towards 1
    peak = limits.measure_peak(2, 2, Frame(*TINY), steps=1000)
    assert peak["multiply_adds"] == 2 * 1000 * limits.CHAINS * lanes
    assert peak["dense"]["multiply_adds"] == 225 * 64 * 96
    assert len(peak["samples"]) == len(peak["dense"]["samples"]) == 2
    peak |= {"multiply_adds": 8e9, "samples": [0.5, 0.1]}
    peak["dense"] |= {"multiply_adds": 6e9, "samples": [0.2, 0.1]}
    assert "2 threads: 80 G float32 multiply-adds/s" in peak_text(peak)
    assert "reaches 60 G/s, 75% of it" in peak_text(peak)
    assert "75% of it" in text_report(fixed_record() | {"peak": peak})


def test_a_drawing_is_made(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    frame = Frame(*TINY)
    cases = [Case(frame, "dense", 3), Case(frame, "dense", 5), Case(frame, "gaussian", sigma=2), Case(frame, "box", 3)]
    record = session.run(cases, rounds=1, rivals=[ScipyNdimage(1)])
    path = session.save(record, str(tmp_path / "kept.json"))
    drawing = tmp_path / "drawing.png"
    assert main(["plot", str(path), "-o", str(drawing), "--picture", "grey"]) == 0
    assert drawing.read_bytes().startswith(b"\x89PNG")
    assert main(["plot", str(path), "-o", str(drawing), "--picture", "RGB"]) == 1
    assert "no picture RGB in this record" in capsys.readouterr().err


def test_without_matplotlib_one_line_says_so(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    path = session.save(fixed_record(), str(tmp_path / "kept.json"))
    assert main(["plot", str(path), "-o", str(tmp_path / "drawing.png")]) == 1
    assert capsys.readouterr().err == "benchmarks: plot needs matplotlib: pip install matplotlib\n"


@pytest.mark.parametrize(("channels", "dtype"), [(1, "uint8"), (3, "uint16"), (4, "uint8"), (1, "float32")])
def test_photograph(channels, dtype):
    frame = Frame(700, 1100, channels, dtype)
    image = photograph(frame)
    assert (image.shape, image.dtype) == (frame.shape, dtype)
    assert not image.flags.writeable
    top = np.iinfo(dtype).max if frame.is_integer else 1
    assert image.min() < 0.1 * top
    assert 0.9 * top < image.max() <= top


def test_files_are_blurred_by_whole_processes(monkeypatch, capsys):
    """A picture of 200 x 300: who takes part, what is checked, what is printed."""
    monkeypatch.setattr(
        whole_files, "_photograph", lambda channels, dtype="uint8": photograph(Frame(200, 300, channels, dtype))
    )
    task = replace(whole_files.TASKS[0], scripts=("Pillow script",))
    monkeypatch.setattr(whole_files, "TASKS", [task])
    record = whole_files.run(rounds=1)
    (result,) = json.loads(json.dumps(record))["results"]
    assert {"imconv", "Pillow script"} <= set(result["entries"])
    for name, entry in result["entries"].items():
        assert entry["bytes"] > 1000
        assert 5e6 < entry["memory"][0] < 1e9
        assert len(entry["samples"]) == 1
        assert ("difference" in entry) == (name != "imconv")
        assert f"| {name} |" in whole_files.markdown_report(record)
    assert "Pillow script" in whole_files.text_report(record)


def test_files_of_another_filter_are_noticed(tmp_path):
    picture = photograph(Frame(200, 300, 3))
    for name, pixels in (("ours", picture), ("same", picture), ("lighter", picture // 2 + 90), ("small", picture[1:])):
        imconv.write(tmp_path / f"{name}.png", pixels)
    ours = tmp_path / "ours.png"
    assert whole_files._difference(ours, tmp_path / "same.png") == 0
    refused(ValueError, "another filter", whole_files._difference, ours, tmp_path / "lighter.png")
    refused(ValueError, "holds", whole_files._difference, ours, tmp_path / "small.png")


NETWORK = """
input = [64, 64, 3]
layers = [
  { conv = 8, size = 3, stride = 2, pad = 1, bias = false }, "batchnorm", "relu6", { max = 3, stride = 2, pad = 1 },
  { residual = [{ depthwise = 7, pad = 3 }, "layernorm", { pointwise = 32 }, "gelu", { pointwise = 8 }, "layer-scale"] },
  { conv = 8, size = 3, groups = 2 }, "relu", "global-average", "flatten", "dropout", { fc = 5 },
]
"""


def test_torchs_networks_are_the_same(tmp_path, capsys, monkeypatch):
    """Every layer and the whole are alike, and the sum of the parts is told."""
    pytest.importorskip("torch")
    own = tmp_path / "own.toml"
    own.write_text(NETWORK)
    monkeypatch.setattr(layers, "PAUSE", 0)
    path = tmp_path / "record.json"
    assert main(["layers", str(own), "--size", "64", "--rounds", "2", "--threads", "2", "--json", str(path)]) == 0
    printed = capsys.readouterr()
    assert "wrong" not in printed.err
    assert "off by" not in printed.err
    record = json.loads(path.read_text())
    whole, convolutions, _ = record["results"]
    for part in (*whole["parts"], *convolutions["parts"]):
        assert {len(samples) for samples in part["samples"].values()} == {2}
        assert set(part["samples"]) == {"imconv", *record["rivals"]}
    count = sum(part["count"] for part in convolutions["parts"])
    assert (count, convolutions["title"]) == (5, "own, its 5 convolutions")
    told = sum(part["count"] * 500 * sum(part["samples"]["torch"]) for part in convolutions["parts"])
    assert layers.milliseconds(convolutions, "torch") == pytest.approx(told)
    assert main(["table", str(path)]) == 0
    assert "| own, forward | " in capsys.readouterr().out
    assert main(["table", "--text", str(path)]) == 0
    assert "own, forward  " in capsys.readouterr().out


def test_a_layer_of_something_else_is_not_timed(monkeypatch):
    monkeypatch.setattr(layers, "PAUSE", 0)
    right = np.ones((3, 3, 2), np.float32)
    found = layers._measured({"imconv": lambda: right, "torch": lambda: right * 1.01}, rounds=1)
    assert set(found["samples"]) == {"imconv"}
    record = {"results": [{"title": "sum", "parts": [{"title": "one", "count": 1, **found}]}]}
    assert layers.failures(record) == ["sum, one: torch is off by 0.01, accepted 0.0001"]
    assert layers.milliseconds(record["results"][0], "torch") is None
