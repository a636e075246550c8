"""Declarations are true, and a call that does not fit one is refused before any compiled code sees it."""

import ast
from pathlib import Path

import numpy as np
import pytest

import imconv
from imconv import jit
from imconv.compiler import prebuilt
from imconv.jit import signature
from imconv.loops import LOOPS
from tests.refused import refused

FOLDER = Path(imconv.__file__).with_name("loops")
DECLARED = signature.parse("src: S[:,:], rows: i8[:], scale: f8, out: &S[:,:]")
U1 = np.dtype("uint8")


def parameters(loop: str) -> list[str]:
    """The parameters of a loop's function, from its source."""
    module, _, name = loop.partition(".")
    tree = ast.parse((FOLDER / f"{module}.py").read_text(encoding="utf-8"))
    (function,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    others = (function.args.defaults, function.args.vararg, function.args.kwonlyargs, function.args.kwarg)
    assert not any(others)
    return [argument.arg for argument in function.args.args]


def stored_into(loop: str) -> set[str]:
    """The parameters that a loop's function itself assigns elements of."""
    module, _, name = loop.partition(".")
    tree = ast.parse((FOLDER / f"{module}.py").read_text(encoding="utf-8"))
    (function,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    targets = [node.value for node in ast.walk(function) if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)]  # fmt: skip
    return {target.id for target in targets if isinstance(target, ast.Name)} & set(parameters(loop))


@pytest.mark.parametrize("loop", LOOPS)
def test_a_declaration_names_the_functions_parameters_in_order(loop):
    assert [argument.name for argument in signature.parse(LOOPS[loop])] == parameters(loop)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_declaration_says_what_is_written_to(loop):
    assert stored_into(loop) <= {argument.name for argument in signature.parse(LOOPS[loop]) if argument.written}


@pytest.mark.parametrize("loop", LOOPS)
def test_a_declaration_reads_back_as_it_was_written(loop):
    assert ", ".join(map(str, signature.parse(LOOPS[loop]))) == " ".join(LOOPS[loop].split())


def test_capitals_stand_for_arrays_types_or_their_accumulators():
    """A capital no array has would be known from no call."""
    for declaration in LOOPS.values():
        arguments = signature.parse(declaration)
        assert {a.type for a in arguments if a.type.isupper()} == {a.type for a in arguments if a.type.isupper() and a.dims}  # fmt: skip


@pytest.mark.parametrize("everything", [False, True])
def test_common_loops_have_a_type_for_each_capital(everything):
    for loop, types in prebuilt.prebuilt(everything):
        assert len(types) == len(signature.variables(signature.parse(LOOPS[loop])))
        assert set(types) <= set(signature.TYPES)
    assert {loop for loop, _ in prebuilt.prebuilt(everything)} == set(LOOPS)


@pytest.mark.parametrize("text", ["src", "src: q7[:]", "src: AB[:]", "2src: u1", "src: s[:]", ": u1"])
def test_a_bad_declaration_is_an_error(text):
    refused(ValueError, "bad argument", signature.parse, text)


def values(**changed) -> tuple:
    """What DECLARED takes, some of it replaced."""
    right = {"src": np.zeros((3, 4), U1), "rows": np.arange(3), "scale": 0.5, "out": np.zeros((3, 4), U1)}
    return tuple({**right, **changed}.values())


def test_what_fits_becomes_addresses_and_dimensions():
    given = values()
    words, codes = signature.flatten(DECLARED, given)
    addresses = [value.ctypes.data for value in (given[0], given[1], given[3])]
    assert words == [addresses[0], 3, 4, addresses[1], 3, 0.5, addresses[2], 3, 4]
    assert codes == ["u1", "i8", "u1"]
    assert signature.specialisation(DECLARED, codes) == ("u1",)
    assert len(signature.block(DECLARED).pack(*words)) == 8 * len(words)


def read_only() -> np.ndarray:
    array = np.zeros((3, 4), U1)
    array.flags.writeable = False
    return array


WRONG = {
    "a type no loop knows": {"src": np.zeros((3, 4), np.int16)},
    "bool": {"src": np.zeros((3, 4), bool)},
    "complex": {"src": np.zeros((3, 4), complex)},
    "objects": {"src": np.zeros((3, 4), object)},
    "too few dimensions": {"src": np.zeros(12, U1)},
    "too many dimensions": {"src": np.zeros((3, 4, 1), U1)},
    "no dimensions": {"src": np.zeros((), U1)},
    "a scalar of numpy": {"src": np.uint8(3)},
    "a number": {"src": 3},
    "a list": {"src": [[1, 2], [3, 4]]},
    "nothing": {"src": None},
    "every other column": {"src": np.zeros((3, 8), U1)[:, ::2]},
    "every other row": {"src": np.zeros((6, 4), U1)[::2]},
    "backwards": {"src": np.zeros((3, 4), U1)[::-1]},
    "by columns": {"src": np.zeros((3, 4), U1, order="F")},
    "swapped bytes": {"rows": np.arange(3).astype(np.dtype(np.int64).newbyteorder())},
    "read-only, but written to": {"out": read_only()},
}


@pytest.mark.parametrize("case", WRONG)
def test_an_array_that_does_not_fit_is_refused(case):
    (name,) = WRONG[case]
    refused(TypeError, f"^{name}: .* expected, got ", signature.flatten, DECLARED, values(**WRONG[case]))


def test_what_is_only_read_may_be_read_only():
    signature.flatten(DECLARED, values(src=read_only()))


@pytest.mark.parametrize("count", [0, 3, 5])
def test_another_number_of_arguments_is_refused(count):
    refused(TypeError, f"4 arguments expected, {count} given", signature.flatten, DECLARED, (*values(), 1)[:count])


def test_capitals_stand_for_one_type():
    with pytest.raises(TypeError, match=r"out: &S\[:,:\] expected with u1, got u2"):
        signature.specialisation(DECLARED, ["u1", "i8", "u2"])
    with pytest.raises(TypeError, match=r"rows: i8\[:\] expected with i8, got u4"):
        signature.specialisation(DECLARED, ["u1", "u4", "u1"])


def weigh_arguments(**changed) -> tuple:
    right = {"src": np.ones((2, 8), U1), "rows": np.arange(2), "channels": 2, "out": np.zeros((2, 8), np.uint16)}
    return tuple({**right, **changed}.values())


CALLS = {
    "none": (),
    "too few": weigh_arguments()[:-1],
    "too few, the first one missing": weigh_arguments()[1:],
    "too many": (*weigh_arguments(), 1),
    "another type": weigh_arguments(rows=np.arange(2, dtype=np.int32)),
    "a type for another argument": weigh_arguments(rows=np.arange(2, dtype=np.uint8)),
    "not contiguous": weigh_arguments(src=np.ones((2, 16), U1)[:, ::2]),
    "an array for a number": weigh_arguments(channels=np.arange(2)),
    "a fraction for a whole number": weigh_arguments(channels=2.5),
    "text for a number": weigh_arguments(channels="2"),
    "a number beyond 64 bits": weigh_arguments(channels=1 << 64),
}


@pytest.mark.parametrize("case", CALLS)
def test_a_call_that_does_not_fit_compiles_and_runs_nothing(case, monkeypatch):
    def fail(*_):
        raise AssertionError("compiled")

    monkeypatch.setattr(jit, "_build", fail)
    monkeypatch.setattr(jit, "_functions", {})
    loop = jit.Loop("alpha.weigh")
    loop.function = lambda codes: signature.specialisation(loop.arguments, codes) and fail
    with pytest.raises(TypeError):
        loop(*CALLS[case])
    if 0 < len(CALLS[case]) <= 4:
        with pytest.raises(TypeError):
            loop.bound(*CALLS[case][1:])(*CALLS[case][:1])


def test_last_arguments_can_be_bound():
    arguments = weigh_arguments()
    jit.loop("alpha.weigh").bound(*arguments[2:])(*arguments[:2])
    assert arguments[-1].tolist() == [[1] * 8] * 2
