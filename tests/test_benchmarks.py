"""The benchmarks' machinery on a tiny picture: who is refused, what is counted, what is printed. No timed assertions."""

import json

import numpy as np
import pytest

from benchmarks import session
from benchmarks.__main__ import main
from benchmarks.cases import Case, Frame, default_cases, full_cases
from benchmarks.photograph import photograph
from benchmarks.report import failures, markdown_report, ratio, text_report
from benchmarks.rivals import Imconv
from benchmarks.rivals.base import CannotDo, Rival, Way, full_array
from benchmarks.rivals.scipy_ndimage import ScipyNdimage
from benchmarks.timing import take_turns
from benchmarks.verification import verify

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
        Case(frame, "dense", 5),
        Case(frame, "dense", 5, stride=2),
        Case(frame, "dense", 5, dilation=2, border="reflect"),
        Case(frame, "gaussian", sigma=2),
        Case(frame, "box", 11),
        Case(frame, "sharpen"),
    ]
    record = session.run(cases, rounds=2, threads=2, rivals=[ScipyNdimage(2)])
    for result in record["results"]:
        entry = result["entries"]["scipy"]
        assert entry["status"] == "timed", (result["title"], entry)
        assert entry["error"] <= entry["tolerance"]
        assert len(entry["samples"]) == len(result["entries"]["imconv"]["samples"]) == 2
    (result,) = session.run(cases[:1], rounds=1, threads=1, rivals=[Liar(1)])["results"]
    assert result["entries"]["liar"]["status"] == "wrong"
    assert "samples" not in result["entries"]["liar"]


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


def test_turns_are_interleaved_and_slow_ones_are_timed_once():
    order = []
    runs = {"a": lambda: order.append("a"), "b": lambda: order.append("b")}
    take_turns(runs, 3)
    assert order == ["a", "b"] * 3
    samples = take_turns(runs, 3, slow=-1)  # everything is slower than this
    assert [len(s) for s in samples.values()] == [1, 1]


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
    assert case.dilated_weights.shape == (9, 9)
    assert case.dilated_weights.sum() == pytest.approx(1)
    assert (case.radius, case.result_shape) == (4, (3, 4))
    assert full_array(case).shape == (5, 7)
    assert Case(Frame(5, 7), "gaussian", sigma=1).gaussian_weights.size == 9


@pytest.mark.parametrize(("channels", "dtype"), [(1, "uint8"), (3, "uint16"), (4, "uint8"), (1, "float32")])
def test_photograph(channels, dtype):
    frame = Frame(700, 1100, channels, dtype)
    image = photograph(frame)
    assert image.shape == frame.shape
    assert image.dtype == dtype
    assert not image.flags.writeable
    top = np.iinfo(dtype).max if frame.is_integer else 1
    assert image.min() < 0.1 * top
    assert 0.9 * top < image.max() <= top
