"""One hypothesis profile for every test: the same examples on every run, however slow the machine.

The whole suite needs most loops: they are compiled at the beginning, side by side.
"""

import re
import signal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

settings.register_profile(
    "imconv",
    derandomize=True,
    max_examples=150,
    deadline=None,  # the first call of a loop compiles it
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("imconv")
# Hypothesis would also draw numbers that stand in whichever modules are imported by then: the examples of a test would
# depend on the tests before it.
if hasattr(providers, "_get_local_constants"):
    providers._get_local_constants = providers.Constants


def pytest_sessionstart(session):
    """Loops are made ready only where everything is run, and not once more in each process of pytest-xdist."""
    if (
        signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    ):  # the tests run in the background: what they start must be stoppable
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config = session.config
    if config.args == config.getini("testpaths") and not hasattr(config, "workerinput"):
        from imconv import jit
        from imconv.compiler.prebuilt import prebuilt

        jit.ready(prebuilt(everything=True))


# the extra that brings what a test is held against
EXTRAS = {
    "imagecodecs": "tiff",
    **dict.fromkeys(("cv2", "pyvips", "skimage"), "bench"),
    "matplotlib": "plot",
    "pillow_jxl": "jxl",
    "pillow_heif": "heic",
    "OpenEXR": "exr",
    **dict.fromkeys(("torch", "torchvision", "safetensors", "chessboard_image"), "nets"),
}


SKIPPED = "imconv/skipped"  # in pytest's cache: the tests, and whole files, that lacked a package in the last run


def pytest_addoption(parser):
    parser.addoption("--skipped-before", action="store_true", help="only tests that lacked a package in the last run")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--skipped-before"):
        wanted = set(config.cache.get(SKIPPED, []))
        chosen = [item for item in items if not wanted.isdisjoint((item.nodeid, item.nodeid.split("::")[0]))]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
        items[:] = chosen


def pytest_terminal_summary(terminalreporter):
    """Say once which extras the skipped tests need, and remember which tests they are."""
    skipped = [(report.nodeid, report.longrepr[2]) for report in terminalreporter.stats.get("skipped", [])]
    lacking = [(name, re.search(r"could not import '(\w+)", reason)) for name, reason in skipped]
    found = [match[1] for _, match in lacking if match]
    if cache := getattr(terminalreporter.config, "cache", None):  # None where the plugin is switched off
        cache.set(SKIPPED, sorted({name for name, match in lacking if match}))
    if extras := sorted({EXTRAS[name] for name in found if name in EXTRAS}):
        packages = ", ".join(sorted(set(found)))
        install = f"pip install -e '.[{','.join(extras)}]'"
        terminalreporter.write_line(f"{len(found)} tests are skipped without {packages}: {install}")


@pytest.fixture(autouse=True)
def threads_for_small_pictures(monkeypatch):
    """Tests' pictures are too small for threads to be worth it; what they test must not depend on threads all the same."""
    from imconv.engine import threads

    monkeypatch.setattr(threads, "WORTH_THREADS", 0.0)
