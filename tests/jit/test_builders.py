"""Builds in processes of their own: what they import, and what is said where they fail."""

import json
import os
from pathlib import Path

import pytest

import imconv
from tests.jit import running

LOOP = ("alpha.weigh", ("u1", "u2"))
OBSOLETE = "raise ImportError('this backport is obsolete')\n"
# imconv lies in a folder of packages, behind the standard library
INSTALLED = f"""
import os, sys
site = sys.argv[1]
sys.path.insert(sys.path.index(os.path.dirname(os.__file__)) + 1, site)
if sys.argv[2:]:
    os.environ["PYTHONPATH"] = site
from imconv import jit
assert jit.__file__.startswith(site), jit.__file__
jit.ready([{LOOP!r}])
print(jit.origins, jit.failures)
"""


@pytest.mark.parametrize("named", [False, True], ids=["beside imconv", "by PYTHONPATH"])
def test_the_standard_library_comes_first(tmp_path, named):
    """Old backports of its modules lie in many a folder of packages."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "imconv").symlink_to(Path(imconv.__file__).parent)
    for name in ("pathlib", "typing", "enum", "dataclasses", "asyncio"):
        (site / f"{name}.py").write_text(OBSOLETE)
    environment = running.environment(cache=tmp_path / "cache")
    del environment["PYTHONPATH"]
    process = running.start_with(environment, "-c", INSTALLED, site, *["named"] * named)
    output, errors = running.finish(process)
    assert errors == ""
    assert output == f"{ {'alpha.weigh-u1-u2': 'built'} } {{}}\n"


# a command whose builds fail; Numba in this process, which would take seconds, does nothing
FAILING = """
import json, sys
from types import SimpleNamespace
from imconv import jit
from imconv.cli import run
from imconv.jit import builders
builders.START = json.loads(sys.argv[1])
if builders.START is None:
    sys.executable = ""
jit.numba_loops = SimpleNamespace(in_process=lambda name: lambda *block: None)
sys.exit(run(json.loads(sys.argv[2])))
"""
FAILURES = {
    "an error": ("print('first'); sys.exit('no compiler today\\n')", "no compiler today"),
    "an exception": ("raise ValueError('not this one')", "ValueError: not this one"),
    "no word": ("sys.exit(3)", "exit status 3"),
    "killed": ("os.kill(os.getpid(), 9)", "killed by signal 9"),
    "no code": ("print('code')", "the build wrote no code"),
    "a long word": ("sys.exit('x' * 5000)", "x" * 300),
    "no interpreter": (None, "there is no Python interpreter to start builds with"),
}


@pytest.fixture
def blur(tmp_path):
    """The output of a blur with builds by this program, and further arguments."""
    (tmp_path / "grey.pgm").write_bytes(b"P5 3 2 255\n" + bytes(6))

    def run(program: str | None, *more: str) -> list[str]:
        command = json.dumps(["blur", "grey.pgm", "out.pgm", "--sigma", "1", *more])
        text = json.dumps(program and "import os, sys\n" + program)
        output, errors = running.run("-c", FAILING, text, command, cache=tmp_path / "cache", cwd=tmp_path)
        assert output == ""
        assert not [path for path in running.files(tmp_path) if path.suffix in (".lock", ".new")]
        return errors.splitlines()

    return run


@pytest.mark.skipif(os.name != "posix", reason="statuses of POSIX")
@pytest.mark.parametrize("case", FAILURES)
def test_a_failed_build_is_named_with_its_reason(blur, case):
    program, reason = FAILURES[case]
    said = blur(program)
    assert said[1:] == [f"imconv: loops could not be compiled to be kept, so every run compiles them: {reason}"]
    assert "once" not in " ".join(said)


def test_verbose_says_it_for_each_loop(blur):
    program, reason = FAILURES["an error"]
    (line,) = [line for line in blur(program, "-v") if "loop separable" in line]
    assert line.endswith(f"numba; it could not be compiled to be kept: {reason}")
    assert blur(program, "--quiet") == []
