"""Several processes that want the same loops: one compiles, the others wait; nobody waits for the dead or the stopped."""

import errno
import json
import os
import signal
import subprocess
import sys

import pytest

from imconv.jit import builders, store, turns
from imconv.jit.signature import full_name
from tests.jit import running

pytestmark = pytest.mark.skipif(not turns.CAN_LOCK, reason="no locks of POSIX here")

LOOPS = [("alpha.weigh", ("u1", "u2")), ("alpha.fill_empty", ("f4", "u1"))]
MANY = 6
# compiles loops, and tells how many builds it started and where its loops came from
FIRST_RUN = f"""
import json
from imconv import jit
from imconv.jit import builders, turns
turns.PATIENCE = 1e9
started, start = [], builders._start
builders._start = lambda item, environment: started.append(item) or start(item, environment)
print("ready", flush=True)
input()
jit.ready({LOOPS!r})
print(json.dumps([len(started), sorted(jit.origins.values())]))
"""
# takes a turn; with "fork", a child of its own lives on when it is killed
HOLDER = """
import os, sys
from imconv.jit import turns
turns.take(sys.argv[1])
if sys.argv[2:] and os.fork() == 0:
    print(os.getpid(), flush=True)
    sys.stdin.read()
    os._exit(0)
print("holds", flush=True)
sys.stdin.read()
"""


def start(script: str, *arguments, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-P", "-c", script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=running.environment(**options),
    )  # fmt: skip


def test_first_runs_at_once_compile_each_loop_once(tmp_path):
    processes = [start(FIRST_RUN, cache=tmp_path) for _ in range(MANY)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    told = [json.loads(running.finish(process)[0]) for process in processes]
    assert sum(started for started, _ in told) == len(LOOPS)
    origins = [origin for _, origins in told for origin in origins]
    assert (origins.count("built"), origins.count("kept")) == (len(LOOPS), (MANY - 1) * len(LOOPS))
    assert {path.name for path in running.files(tmp_path)} == {full_name(*item) + store.suffix() for item in LOOPS}


@pytest.fixture
def lock(tmp_path) -> str:
    return str(tmp_path / "loop.so.lock")


@pytest.fixture
def holder(lock):
    """A process that has the turn."""
    process = start(HOLDER, lock)
    assert process.stdout.readline() == "holds\n"
    yield process
    process.kill()
    process.communicate()


def test_a_turn_is_left_to_the_next(lock):
    mine = turns.take(lock)
    assert mine >= 0
    turns.leave(mine, lock)
    assert not os.path.exists(lock)
    again = turns.take(lock)
    assert again >= 0
    turns.leave(again, lock)


def test_another_process_has_it_as_long_as_it_lives(holder, lock):
    assert turns.take(lock) is None
    assert turns.take(lock) is None
    holder.kill()
    holder.communicate()
    mine = turns.take(lock)
    assert mine >= 0
    turns.leave(mine, lock)
    assert not os.path.exists(lock)


def test_a_forked_process_does_not_keep_it(lock):
    process = start(HOLDER, lock, "fork")
    child = {process.stdout.readline(), process.stdout.readline()} - {"holds\n"}
    try:
        process.kill()
        process.wait()
        mine = turns.take(lock)
        assert mine >= 0
        turns.leave(mine, lock)
    finally:
        os.kill(int(child.pop()), signal.SIGKILL)


def test_where_files_can_not_be_locked_it_is_everybodys_turn(lock, monkeypatch):
    def refuse(descriptor, how):
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(turns.fcntl, "lockf", refuse)
    assert turns.take(lock) == turns.NO_LOCK
    assert not os.path.exists(lock)
    turns.leave(turns.NO_LOCK, lock)
    assert turns.take(str(lock) + "/no/such/folder") == turns.NO_LOCK
    monkeypatch.setattr(turns, "CAN_LOCK", False)
    assert turns.take(lock) == turns.NO_LOCK


def test_a_lock_in_a_file_that_is_gone_is_no_turn(lock, monkeypatch):
    """Between opening and locking, the process before may remove it, and another may make it anew."""
    descriptors, take = [], turns.fcntl.lockf

    def late(descriptor, how):
        if not descriptors:
            os.unlink(lock)
        descriptors.append(descriptor)
        take(descriptor, how)

    monkeypatch.setattr(turns.fcntl, "lockf", late)
    mine = turns.take(lock)
    assert len(descriptors) == 2
    assert os.path.samestat(os.fstat(mine), os.stat(lock))
    turns.leave(mine, lock)


@pytest.fixture
def held(tmp_path, monkeypatch):
    """A loop that another process compiles, and does not end."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert store.refusal() is None
    process = start(HOLDER, store.path_of(full_name(*LOOPS[0])) + ".lock")
    assert process.stdout.readline() == "holds\n"
    yield process
    process.kill()
    process.communicate()


def fake_builds(monkeypatch) -> list:
    started = []
    monkeypatch.setattr(builders, "_start", lambda item, environment: started.append(item) or "no code today")
    return started


def test_whoever_waits_too_long_compiles(held, monkeypatch):
    started = fake_builds(monkeypatch)
    monkeypatch.setattr(turns, "PATIENCE", 0)
    assert dict(builders.build(LOOPS, found=lambda *item: False)) == dict.fromkeys(LOOPS, "no code today")
    assert started == LOOPS


def test_others_are_not_held_up_and_a_killed_process_is_taken_over_from(held, monkeypatch):
    started = fake_builds(monkeypatch)
    monkeypatch.setattr(turns, "PATIENCE", 1e9)
    builds = builders.build(LOOPS, found=lambda *item: False)
    assert next(builds)[0] == LOOPS[1]
    held.kill()
    held.communicate()
    assert [item for item, _ in builds] == [LOOPS[0]]
    assert started == LOOPS[::-1]
    assert os.listdir(store.folder()) == []


def test_what_another_process_compiled_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    started, asked = fake_builds(monkeypatch), []
    assert list(builders.build(LOOPS, found=lambda *item: asked.append(item) or True)) == []
    assert (asked, started) == (LOOPS, [])
    assert os.listdir(store.folder()) == []


def test_an_interrupt_leaves_no_lock_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    fake_builds(monkeypatch)
    builds = builders.build(LOOPS, found=lambda *item: False)
    next(builds)
    assert len(os.listdir(store.folder())) == 1
    builds.close()
    assert os.listdir(store.folder()) == []
