"""What the tests of compiled loops share: imconv in processes of its own, with a store of loops of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import imconv
from imconv.jit import machine

ROOT = Path(imconv.__file__).parents[1]

linked = pytest.mark.skipif(not machine.links(), reason="loops are kept as shared objects on Linux with x86-64 only")
posix = pytest.mark.skipif(os.name != "posix", reason="owners, links and signals of POSIX")


def environment(cache=None, root=ROOT, **more) -> dict[str, str]:
    """This environment with the package of `root`, and its loops kept in `cache`, by default where the user's are."""
    given = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "IMCONV_", "NUMBA_"))}
    given |= {"PYTHONPATH": str(root)} | ({} if cache is None else {"XDG_CACHE_HOME": str(cache)})
    return given | {name: str(value) for name, value in more.items()}


def start(*arguments, cache=None, cwd=None, session=False, **variables) -> subprocess.Popen:
    """Start this Python with arguments, and nothing of the current folder; `variables` are for its environment."""
    return start_with(environment(cache, **variables), *arguments, cwd=cwd, session=session)


def start_with(environment: dict[str, str], *arguments, cwd=None, session=False) -> subprocess.Popen:
    """The same with this environment and no other."""
    return subprocess.Popen(
        [sys.executable, "-P", *map(str, arguments)], cwd=cwd, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=session,
    )  # fmt: skip


def finish(process: subprocess.Popen) -> tuple[str, str]:
    """What it wrote on standard output and standard error; it has to end well, without a traceback."""
    try:
        output, errors = process.communicate()
    finally:
        process.kill()
    assert process.returncode == 0, f"status {process.returncode}: {errors[-2000:]}"
    assert "Traceback" not in errors
    return output, errors


def run(*arguments, **options) -> tuple[str, str]:
    """Run this Python with arguments to its end."""
    return finish(start(*arguments, **options))


def files(folder: Path) -> list[Path]:
    """Every file below a folder."""
    return sorted(path for path in Path(folder).rglob("*") if not path.is_dir())
