"""A process forked while other threads are at work: it has no lock that nobody would release, and filters on."""

import ast
import os
import re
from pathlib import Path

import pytest

import imconv
from tests.jit import running

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

# `child(work)` forks, and has `work` done there: True if it ended well, False if it failed or hung
FORKING = """
import os, signal, threading
import numpy as np

def child(work):
    number = os.fork()
    if number == 0:
        signal.alarm(600)  # ends it, if it hangs
        try:
            work()
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitpid(number, 0)[1] == 0

def thread(work, *arguments):
    started = threading.Thread(target=work, args=arguments, daemon=True)
    started.start()
    return started

begun, go_on = threading.Event(), threading.Event()
def hold():
    begun.set()
    go_on.wait()
"""

COMPILING = """
from imconv import jit
from imconv.jit import turns
class Watch:
    def begin(self, count, refusal): pass
    def progress(self, done, count): hold()
    def end(self): pass
jit.watch = Watch()
item = ("alpha.weigh", ("u1", "u2"))
other = thread(jit.ready, [item])
begun.wait()
def work():
    jit.watch = None
    turns.PATIENCE = 0  # the parent's thread compiles that loop; it is held up here
    jit.ready([item])
    out = np.zeros((1, 4), np.uint16)
    jit.loop("alpha.weigh")(np.array([[3, 5, 2, 7]], np.uint8), np.arange(1), 2, out)
    assert out.tolist() == [[15, 5, 14, 7]]
assert child(work)
go_on.set()
other.join()
assert jit.origins == {"alpha.weigh-u1-u2": "built"}
"""

DECODING = """
import io, warnings
from PIL import Image
from imconv.files import by_pillow
limit, filters = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
def inside():
    with by_pillow.quiet():
        hold()
def loud():
    return Image.MAX_IMAGE_PIXELS == limit and warnings.filters == filters
other = thread(inside)
begun.wait()
assert not loud()
def work():
    assert loud()  # nobody is inside here
    with by_pillow.quiet():
        assert not loud()
    assert loud()
assert child(work)
def from_within():
    assert not loud()
    with by_pillow.quiet():
        pass
    assert not loud()
with by_pillow.quiet():
    assert child(from_within)
def out_of_it():
    inner.__exit__(None, None, None)
    assert loud()
inner = by_pillow.quiet()
inner.__enter__()
assert child(out_of_it)
inner.__exit__(None, None, None)
assert not loud()
go_on.set()
other.join()
assert loud()
"""

COMING_AND_GOING = """
from PIL import Image
from imconv.files import by_pillow
def often():
    while not go_on.is_set():
        with by_pillow.quiet():
            pass
def work():
    with by_pillow.quiet():
        pass
others = [thread(often) for _ in range(2)]
assert all([child(work) for _ in range(30)])
go_on.set()
for other in others:
    other.join()
"""

ATTRIBUTES = """
from imconv.lazy import cached_property
class Slow:
    def __init__(self, wait): self.wait = wait
    @cached_property
    def value(self):
        self.wait()
        return 7
other = thread(lambda: Slow(hold).value)
begun.wait()
def work():
    assert Slow(int).value == 7
assert child(work)
"""

FILTERING = """
import imconv
from imconv.engine import threads
threads.WORTH_THREADS = 0.0
image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
expected = imconv.box_blur(image, 5)
def often():
    while not go_on.is_set():
        imconv.box_blur(image, 5, threads=3)
def work():
    for threads in (1, 2, 3):
        assert np.array_equal(imconv.box_blur(image, 5, threads=threads), expected)
others = [thread(often) for _ in range(2)]
assert all([child(work) for _ in range(30)])
go_on.set()
for other in others:
    other.join()
"""

CASES = {
    "while a thread compiles": COMPILING,
    "while a thread decodes": DECODING,
    "while threads begin and end decoding": COMING_AND_GOING,
    "while a thread computes an attribute": ATTRIBUTES,
    "while threads filter": FILTERING,
}


@pytest.mark.parametrize("case", CASES)
def test_forked(case, tmp_path):
    cache = tmp_path if CASES[case] is COMPILING else None
    assert running.run("-W", "ignore::DeprecationWarning", "-c", FORKING + CASES[case], cache=cache) == ("", "")


SOURCES = sorted(Path(imconv.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_lock_outlives_a_fork(path):
    """A module's own lock is made anew; functools.cached_property has one for all objects before Python 3.12."""
    text = path.read_text()
    lines = [ast.unparse(node) for node in ast.parse(text).body if isinstance(node, (ast.Assign, ast.AnnAssign))]
    assert "register_at_fork" in text or not [line for line in lines if re.search(r"\b(R?Lock|SimpleQueue)\(\)", line)]
    run = re.sub(r"^if TYPE_CHECKING:\n(    .*\n)+", "", text, flags=re.M)
    assert not re.search(r"from functools import .*cached_property", run)
