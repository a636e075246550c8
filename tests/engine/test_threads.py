"""Kept threads: work is shared, waited for, and begun anew in a forked process."""

import os
import threading
import time

import numpy as np
import pytest

import imconv
from imconv.engine import threads
from imconv.engine.threads import run_bands


def test_shared_by_several():
    together = threading.Barrier(3)
    seen = set()

    def work():
        together.wait()
        seen.add(threading.get_ident())

    threads.share(work, 2)
    assert len(seen) == 3


def test_waits_for_those_who_began():
    begun, done = threading.Event(), []

    def work():
        if threading.current_thread().name == "imconv":
            begun.set()
            time.sleep(0.05)
            done.append(True)
        else:
            begun.wait()

    threads.share(work, 1)
    assert done == [True]


def test_does_not_wait_for_the_busy(monkeypatch):
    """Where all kept threads are at other work, the caller does its own alone."""
    monkeypatch.setattr(threads, "_tasks", threads.SimpleQueue())
    monkeypatch.setattr(threads, "_kept", 0)
    hold, begun, calls = threading.Event(), threading.Event(), []

    def long():
        if threading.current_thread().name == "imconv":
            begun.set()
            hold.wait()
        else:
            begun.wait()

    first = threading.Thread(target=threads.share, args=(long, 1))
    first.start()
    begun.wait()
    threads.share(lambda: calls.append(threading.get_ident()), 1)
    hold.set()
    first.join()
    assert calls == [threading.get_ident()]


def test_threads_are_kept():
    threads.share(lambda: None, 2)
    before = threading.active_count()
    for _ in range(20):
        threads.share(lambda: None, 2)
    assert threading.active_count() == before


def test_failure_in_another_thread_is_raised(monkeypatch):
    def work(row, band, scratch):
        time.sleep(0.005)
        if row == 4:
            raise ValueError("row 4")

    with pytest.raises(ValueError, match="row 4"):
        run_bands(work, 0, np.zeros((20, 3)), 1, 3)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_process_has_threads_of_its_own():
    image = np.random.default_rng(0).integers(0, 256, (200, 200), np.uint8)
    expected = imconv.box_blur(image, 5, threads=2)
    child = os.fork()
    if child == 0:
        same = np.array_equal(imconv.box_blur(image, 5, threads=2), expected)
        os._exit(0 if same else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_several_callers_at_once():
    image = np.random.default_rng(1).integers(0, 256, (300, 300, 3), np.uint8)
    expected = [imconv.gaussian_blur(image, s, threads=1) for s in (1, 2, 3)]
    wrong = []

    def call(s):
        for _ in range(10):
            if not np.array_equal(imconv.gaussian_blur(image, s, threads=3), expected[s - 1]):
                wrong.append(s)

    callers = [threading.Thread(target=call, args=(s,)) for s in (1, 2, 3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not wrong


def _read_and_written(folder, name):
    """A picture of several megabytes, to a file and back: written, inflated and read ahead by threads where there are some."""
    path = folder / name
    imconv.write(path, PICTURE, threads=3)
    return path.read_bytes(), imconv.read(path).pixels


PICTURE = np.random.default_rng(2).integers(0, 40, (700, 900, 3), np.uint8)
WORKS = {
    "filter": lambda _: (imconv.gaussian_blur(PICTURE, 2, threads=3),),
    "ranks": lambda _: (imconv.median(PICTURE, 5, threads=3),),
    "layer": lambda _: (imconv.layer(PICTURE / np.float32(255), np.ones((8, 3, 3, 3), np.float32), threads=3),),
    "png": lambda folder: _read_and_written(folder, "a.png"),
    "tiff": lambda folder: _read_and_written(folder, "a.tif"),
}


@pytest.mark.parametrize("work", WORKS)
@pytest.mark.parametrize("allowed", [0, 1])
def test_same_result_where_the_system_allows_fewer_threads(tmp_path, monkeypatch, work, allowed):
    monkeypatch.setenv("IMCONV_THREADS", "3")
    expected = WORKS[work](tmp_path)
    monkeypatch.setattr(threads, "_tasks", threads.SimpleQueue())
    monkeypatch.setattr(threads, "_kept", 0)
    start, left, refused = threading.Thread.start, [None] * allowed, []

    def limited(thread):
        if not left:
            refused.append(thread)
            raise RuntimeError("can't start new thread")
        left.pop()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    found = WORKS[work](tmp_path)
    assert refused
    for one, other in zip(found, expected, strict=True):
        assert one == other if isinstance(one, bytes) else np.array_equal(one, other)
    assert allowed or threads._tasks.empty()
