"""Which computer it is, and what kept code depends on: whatever changes it changes the name of the store's folder."""

import shutil
from importlib import metadata
from pathlib import Path

import pytest

from imconv.jit import machine, store
from tests.jit import running
from tests.jit.running import linked, posix


@pytest.fixture
def fresh_key(monkeypatch):
    """`fresh_key()` finds the key anew."""

    def find() -> str | None:
        for function in (machine.key, machine.sources):
            function.cache_clear()
        return machine.key()

    yield find
    monkeypatch.undo()
    find()


@pytest.mark.parametrize("part", ["LOOPS", "HERE"])
@pytest.mark.parametrize("change", ["more", "renamed", "new"])
def test_other_sources_another_key(fresh_key, tmp_path, monkeypatch, part, change):
    before, copy = fresh_key(), tmp_path / "copy"
    shutil.copytree(getattr(machine, part), copy)
    monkeypatch.setattr(machine, part, str(copy))
    assert fresh_key() == before
    file = sorted(copy.glob("*.py"))[-1]
    if change == "more":
        file.write_text(file.read_text() + "\n")
    elif change == "renamed":
        file.rename(file.with_name("zzz.py"))
    else:
        file.with_name("zzz.py").write_text("")
    assert fresh_key() != before


@pytest.mark.parametrize("name", ["NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_OPT"])
def test_another_target_another_key(fresh_key, monkeypatch, name):
    keys = set()
    for value in (None, "", "x86-64-v3", "generic"):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
        keys.add(fresh_key())
    assert len(keys) == 4


CPU = {"vendor_id": "Genuine", "cpu family": "6", "model": "1", "model name": "A", "stepping": "3", "flags": "sse2"}


@pytest.mark.parametrize("name", CPU)
def test_another_processor_another_key(fresh_key, monkeypatch, name):
    monkeypatch.setattr(machine, "cpu", lambda: CPU)
    before = fresh_key()
    assert fresh_key() == before
    monkeypatch.setattr(machine, "cpu", lambda: {**CPU, name: "other"})
    assert fresh_key() != before


def test_an_unknown_processor_keeps_nothing(fresh_key, monkeypatch):
    monkeypatch.setattr(machine, "cpu", dict)
    monkeypatch.setattr(machine, "_elsewhere", dict)
    assert fresh_key() is None
    assert store.folder() is None
    assert store.kept() == {}


def test_another_python_another_key(fresh_key, monkeypatch):
    before = fresh_key()
    monkeypatch.setattr(machine.sys, "version_info", (3, 99, 0, "final", 0))
    assert fresh_key() != before


@pytest.mark.parametrize("package", machine._VERSION_FILES)
def test_versions_are_found_without_imports(package):
    assert machine._version(package, machine._VERSION_FILES[package]) == metadata.version(package)
    assert machine._version(package, "no such file") == metadata.version(package)
    assert machine._version("no_such_package", "_version.py") == ""


CPUINFO = (
    "processor\t: 0\nvendor_id\t: {}\nmodel name\t: A B @ 2 GHz\ncpu MHz\t\t: {}\nbogomips\t: {}\nflags\t\t: {}\n\n"
)


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="no /proc/cpuinfo")
def test_the_first_processors_kind_is_read_and_its_speed_is_not(tmp_path, monkeypatch):
    file = tmp_path / "cpuinfo"
    monkeypatch.setattr(machine, "open", lambda path, mode: file.open(mode), raising=False)

    def cpu(*fields) -> dict:
        file.write_text(CPUINFO.format(*fields) + CPUINFO.format("last", 9, 9, "none"))
        return machine.cpu.__wrapped__()

    first = cpu("Genuine", 2000, 4000, "sse2 avx")
    assert first == {"vendor_id": "Genuine", "model name": "A B @ 2 GHz", "flags": "sse2 avx"}
    assert cpu("Genuine", 800, 1600, "sse2 avx") == first
    assert cpu("Genuine", 2000, 4000, "sse2") != first
    assert cpu("Authentic", 2000, 4000, "sse2 avx") != first
    file.unlink()
    assert machine.cpu.__wrapped__() == {}


@linked
def test_a_level_needs_all_its_flags(monkeypatch):
    for level, needed in machine.LEVELS.items():
        monkeypatch.setattr(machine, "cpu", lambda flags=needed: {"flags": " ".join(flags)})
        assert machine.level.__wrapped__() == level
        assert machine.runs(level)
        for missing in needed:
            monkeypatch.setattr(machine, "cpu", lambda flags=needed - {missing}: {"flags": " ".join(flags)})
            assert machine.level.__wrapped__() != level
            assert not machine.runs(level)
    monkeypatch.setattr(machine, "cpu", dict)
    assert machine.level.__wrapped__() is None
    assert machine.runs(None)
    assert machine.runs("znver4")


ELSEWHERE = {
    "riscv64": "processor\t: 0\nhart\t\t: {}\nisa\t\t: rv64imafdcv\nmmu\t\t: sv48\nmvendorid\t: {}\n\n",
    "ppc64le": "processor\t: 0\ncpu\t\t: POWER9, altivec supported\nclock\t\t: {}MHz\nrevision\t: {}\n\n",
    "s390x": "vendor_id : IBM/S390\n# processors : 4\nbogomips per cpu: {}\nfeatures\t: zarch {}\n"
    "processor 0: version = 00, machine = 2964\n\n",
    "loongarch64": "CPU Family\t: Loongson\nModel Name\t: {1}\nCPU MHz\t: {0}\nFeatures\t: cpucfg lam\n\n",
}


@pytest.mark.skipif(not hasattr(machine.os, "uname"), reason="no Linux")
@pytest.mark.parametrize("name", ELSEWHERE)
def test_other_processors_have_a_key_too(fresh_key, tmp_path, monkeypatch, name):
    """On Linux beyond x86 and ARM all that the system says counts, but for what is different from run to run."""
    file = tmp_path / "cpuinfo"
    told = machine.os.uname()
    known = open
    monkeypatch.setattr(machine, "open", lambda path, mode: known(file if path == "/proc/cpuinfo" else path, mode), raising=False)  # fmt: skip
    monkeypatch.setattr(machine.os, "uname", lambda: type(told)([*told[:4], name]))
    monkeypatch.setattr(machine, "cpu", machine.cpu.__wrapped__)

    def key(changing: str, kind: str) -> str | None:
        file.write_text(ELSEWHERE[name].format(changing, kind))
        return fresh_key()

    assert key("1000", "a")
    assert key("1000", "a") == key("2000", "a")
    assert key("1000", "a") != key("1000", "b")


# --- other environments ---
KEY = "from imconv.jit import machine; print(machine.key())"
ORIGIN = "from imconv import jit; jit.loop('alpha.weigh').function(('u1', 'i8', 'u2')); print(jit.origins)"


def environment_at(folder: Path, **texts: str) -> dict[str, str]:
    """imconv and the packages that compile at another place, with these texts in their files of versions, or their own."""
    shutil.copytree(running.ROOT / "imconv", folder / "imconv", ignore=shutil.ignore_patterns("__pycache__", "shipped"))
    for name, file in machine._VERSION_FILES.items():
        place = Path(machine.find_spec(name).origin).parent
        if name in texts:
            (folder / name).mkdir()
            (folder / name / "__init__.py").write_text("raise ImportError('finding versions imports nothing')")
            (folder / name / file).write_text(texts[name] or (place / file).read_text())
        else:
            (folder / name).symlink_to(place)
    return running.environment(folder / "cache", root=folder)


@posix
def test_places_and_times_are_not_in_the_key(tmp_path):
    same = dict.fromkeys(machine._VERSION_FILES, "")
    found = [
        running.finish(running.start_with(environment_at(tmp_path / str(number), **texts), "-c", KEY))[0]
        for number, texts in enumerate(
            [same, same, *({**same, name: "version = '0.99'\n"} for name in machine._VERSION_FILES)]
        )
    ]
    assert found[0] == found[1] != "None\n"
    assert len(set(found)) == 4


@posix
def test_the_same_versions_at_another_place_compile_nothing(tmp_path):
    for number, origin in enumerate(("built", "kept")):
        given = environment_at(tmp_path / str(number)) | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
        output, _ = running.finish(running.start_with(given, "-c", ORIGIN))
        assert output == f"{{'alpha.weigh-u1-u2': '{origin}'}}\n"
    assert len(running.files(tmp_path / "cache")) == 1
