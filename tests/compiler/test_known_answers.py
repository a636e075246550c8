"""Nothing wrong is ever kept: every build is checked against a known result first."""

import contextlib
import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest

import imconv
from imconv import jit
from imconv.compiler import known_answers, known_sums, prebuilt
from imconv.jit import signature, store
from imconv.jit.signature import full_name
from imconv.loops import LOOPS
from imconv.pixels.sample_types import EXACT_LIMIT
from tests.jit import running

ALL = prebuilt.prebuilt(everything=True)
WRONG = {  # one token of a loop's source: function, types, file, right, wrong
    "a sign": ("unsharp.add_detail-f4-u1-u1", "unsharp.py", "original - blurred", "original + blurred"),
    "a comparison": ("alpha.unweigh-f4-u1", "alpha.py", "alpha > 0", "alpha > 9"),
    "a mark for the caller": ("alpha.unweigh-f4-u1", "alpha.py", "empty[y] = 1", "empty[y] = 0"),
    "a quotient one too small": ("dense.correlate_dense-u1-f4-u1", "line.py", "by, quotient, quotient + one)",
        "by, quotient, quotient)"),
    "a quotient one too large": ("separable.correlate_separable-u2-f8-u2", "line.py", "zero, quotient - one, quotient)",
        "zero, quotient, quotient)"),
    "a sum set aside": ("dense.correlate_dense-u1-f4-u1", "line.py", "run = load(total, aside, r, 0) + total",
        "run = total"),
    "a margin": ("separable.correlate_separable-f4-f4-f4", "line.py", "column >= 0 else fill[0]",
        "column >= 0 else fill[0] + 1"),
    "a stride": ("separable.correlate_separable-f4-f4-f4", "line.py", "both = start + 2 * i", "both = start + i"),
    "windows of many channels": ("box.sum_box-u1-f4-u1-u2-u2", "box.py", "if 2 * size > width:",
        "if 4 * size > width:"),
    "an index": ("alpha.weigh-u1-u2", "alpha.py", "row = rows[i]", "row = i"),
}  # fmt: skip


def test_the_packed_runs_are_what_zlib_inflates():
    assert zlib.decompressobj(-15).decompress(known_answers.PACKED) == known_answers.RUNS.tobytes()


def test_every_loop_has_a_known_result():
    assert set(known_answers._CASES) == set(LOOPS)
    assert {loop for loop, _ in ALL} == set(LOOPS)


@pytest.mark.parametrize(("loop", "types"), ALL, ids=[full_name(*item) for item in ALL])
def test_a_loop_that_does_nothing_is_noticed(loop, types):
    calls = []
    with pytest.raises(known_answers.GoldenError, match=f"^{loop} for .* are wrong"):
        known_answers.check(loop, types, calls.append)
    assert len(calls) == 1
    assert isinstance(calls[0], bytes)


FILTERS = {
    "box": lambda image: imconv.box_blur(image, 3),
    "wide box": lambda image: imconv.box_blur(image, (3, 301)),
    "blur": lambda image: imconv.gaussian_blur(image, 1),
    "wide blur": lambda image: imconv.gaussian_blur(image, 40),
    "dense": lambda image: imconv.correlate(image, [[1, 2, 3], [4, 0, 6], [7, 8, 10]]),
    "edges": imconv.edges,
    "median": lambda image: imconv.median(image, 3),
    "wide median": lambda image: imconv.median(image, 31),
    "mean pool": lambda image: imconv.pool(image, "avg", 2),
    "pool": lambda image: imconv.pool(image, "max", 2),
    "bilateral": lambda image: imconv.bilateral(image, 1, 10),
    "guided": lambda image: imconv.guided(image, 2, "50%"),
    "deviation": lambda image: imconv.local_deviation(image, 3),
    "unsharp": lambda image: imconv.unsharp_mask(image, 2, threshold=1),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of samples that no loop has computed
@pytest.mark.parametrize("dtype", ["bool", "int8", "int16", "int32", "uint32", "int64", "uint64", "float16", "float64"])
@pytest.mark.parametrize("name", FILTERS)
def test_whatever_a_picture_asks_for_has_a_known_result(monkeypatch, name, dtype):
    """Shipped loops are for common pictures; loops for all others are built and checked where they are wanted."""
    asked = set()

    def noted(loop, codes):
        asked.add((loop.name, signature.specialisation(loop.arguments, codes)))
        return lambda block: None

    monkeypatch.setattr(jit, "ready", lambda wanted: asked.update(wanted))
    monkeypatch.setattr(jit.Loop, "function", noted)
    for shape in ((60, 70), (60, 70, 4)):
        with contextlib.suppress(IndexError):  # places that no loop has computed
            FILTERS[name](np.ones(shape, dtype))
    assert asked
    for loop, types in asked - set(ALL):
        with pytest.raises(known_answers.GoldenError, match=f"^{loop} for .* are wrong"):
            known_answers.check(loop, types, lambda block: None)


@pytest.mark.parametrize(("loop", "types"), [(loop, next(t for name, t in ALL if name == loop)) for loop in LOOPS])
def test_known_results_are_no_single_number(loop, types):
    """A loop that fills its result with one value must not pass by chance."""
    arguments = signature.parse(LOOPS[loop])
    for _, expected in known_answers._CASES[loop](dict(zip(signature.variables(arguments), types, strict=True))):
        out = expected["out"] if isinstance(expected, dict) else expected
        assert len(np.unique(out)) > 1


@pytest.mark.parametrize("kind", known_sums.QUOTIENTS)
def test_known_quotients_need_both_corrections(kind):
    """A product with the reciprocal is one too small for the first, one too large just below the second."""
    number = np.dtype(kind).type
    (low, by_low), (high, by_high) = known_sums.QUOTIENTS[kind]
    assert np.floor(number(low * by_low) * (number(1) / number(by_low))) == low - 1
    assert np.floor(number(high * by_high - 1) * (number(1) / number(by_high))) == high
    assert max(low * by_low, high * by_high) + 1000 < EXACT_LIMIT[kind]


@pytest.fixture
def elsewhere(tmp_path) -> Path:
    """A folder with a copy of the package."""
    package = Path(imconv.__file__).parent
    shutil.copytree(package, tmp_path / "copy" / "imconv", ignore=shutil.ignore_patterns("__pycache__", "shipped"))
    return tmp_path / "copy"


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_loop_is_not_built(elsewhere, case):
    name, file, right, wrong = WRONG[case]
    source = elsewhere / "imconv" / "loops" / file
    assert source.read_text().count(right) == 1
    source.write_text(source.read_text().replace(right, wrong))
    process = running.start("-m", "imconv.compiler.build", *name.split("-"), root=elsewhere)
    output, errors = process.communicate()
    assert process.returncode != 0
    assert output == ""
    assert "GoldenError: " + name.partition("-")[0] in errors


SCRIPT = """
import numpy as np
from imconv import jit
out = np.zeros((3, 8), np.uint16)
jit.loop("alpha.weigh")(np.arange(24, dtype=np.uint8).reshape(3, 8), np.arange(3), 2, out)
print(out.any(), *jit.origins.items())
"""


def test_a_wrong_loop_is_not_kept_and_no_disaster(elsewhere, tmp_path):
    """Numba compiles it in process then, as it stands in the source: nobody is worse off than without the check."""
    source = elsewhere / "imconv" / "loops" / "alpha.py"
    source.write_text(source.read_text().replace("row = rows[i]", "row = 0 * rows[i]"))
    output, errors = running.run("-c", SCRIPT, root=elsewhere, cache=tmp_path / "cache")
    assert output.split() == ["True", "('alpha.weigh-u1-u2',", "'numba')"]
    assert errors == ""
    assert running.files(tmp_path / "cache") == []


@pytest.mark.parametrize("damage", ["raise SystemExit(0)", "import os, signal; os.kill(os.getpid(), 9)", "print(1)"])
def test_a_build_that_dies_or_babbles_is_survived(elsewhere, tmp_path, damage):
    """What a build writes is kept only if it is whole."""
    builder = elsewhere / "imconv" / "compiler" / "build.py"
    text = builder.read_text()
    start = "def main(arguments: list[str]) -> int:\n"
    assert start in text
    builder.write_text(text.replace(start, f"{start}    {damage}\n"))
    output, errors = running.run("-c", SCRIPT, root=elsewhere, cache=tmp_path / "cache")
    assert output.startswith("True")
    assert errors == ""
    for file in running.files(tmp_path / "cache"):
        assert store.opened(file.read_bytes()) is not None
