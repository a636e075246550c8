"""Memory that is free as control groups see it: version 1 and 2, nested, with page cache, in containers."""

import pytest

from imconv.files import cgroups, limits

M = 1 << 20
V2 = "{root} {folder} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
V1 = "{root} {folder} rw - cgroup cgroup rw,memory"


def fields(**values):
    return "\n".join(f"{name} {value}" for name, value in values.items())


@pytest.fixture
def system(tmp_path):
    """Makes a /proc/self and a mounted tree of groups, each its files by name; what is free there."""

    def call(mount, path, groups, root="/"):
        mounted = tmp_path / "groups"
        for folder, files in groups.items():
            place = mounted / folder
            place.mkdir(parents=True, exist_ok=True)
            for name, text in files.items():
                (place / name).write_text(f"{text}\n")
        proc = tmp_path / "self"
        proc.mkdir()
        (proc / "cgroup").write_text(path)
        line = mount.format(root=root, folder=mounted)
        (proc / "mountinfo").write_text(f"24 30 0:22 / /proc rw - proc proc rw\n31 23 0:28 {line}\n")
        return cgroups.free_memory(str(proc))

    return call


def v2(limit, used, **stat):
    return {"memory.max": limit, "memory.current": used, "memory.stat": fields(**stat)}


def v1(limit, used, **stat):
    return {"memory.limit_in_bytes": limit, "memory.usage_in_bytes": used, "memory.stat": fields(**stat)}


def test_page_cache_can_be_had(system):
    """A container that has read much: 4 GiB allowed, nearly all in use by what the kernel gives up at once."""
    group = v2(4 << 30, 4_290_000_000, anon=290_000_000, inactive_file=3_000_000_000, active_file=1_000_000_000)
    assert system(V2, "0::/\n", {".": group}) == [(4 << 30) - 290_000_000]


def test_what_must_be_written_first_is_no_free_memory(system):
    group = v2(100 * M, 90 * M, inactive_file=50 * M, slab_reclaimable=2 * M, file_dirty=20 * M, file_writeback=5 * M)
    assert system(V2, "0::/\n", {".": group}) == [37 * M]


def test_no_limit(system):
    assert system(V2, "0::/\n", {".": v2("max", 90 * M)}) == []


def test_more_is_used_than_a_lowered_limit_allows(system):
    assert system(V2, "0::/\n", {".": v2(10 * M, 30 * M, inactive_file=0)}) == [-20 * M]


def test_each_group_around_the_process_counts(system):
    groups = {
        ".": {"memory.stat": ""},  # the outermost has no limit
        "user.slice": v2(500 * M, 450 * M, inactive_file=10 * M),
        "user.slice/work.scope": v2("max", 20 * M, inactive_file=5 * M),
        "user.slice/work.scope/inner": v2(300 * M, 20 * M),
        "other": v2(1, 1),
    }
    assert system(V2, "0::/user.slice/work.scope/inner\n", groups) == [60 * M, 280 * M]


def test_the_limit_from_which_a_group_is_slowed_down(system):
    assert system(V2, "0::/\n", {".": {**v2(500 * M, 50 * M), "memory.high": 200 * M}}) == [150 * M]


def test_version_1_counts_groups_inside_with_it(system):
    stat = {"inactive_file": 1, "total_inactive_file": 30 * M, "total_active_file": 10 * M, "total_dirty": 5 * M}
    path = "9:name=systemd:/\n4:cpu,memory:/docker/ab\n0::/\n"
    assert system(V1, path, {"docker/ab": v1(100 * M, 80 * M, **stat)}) == [55 * M]


def test_version_1_tells_limits_that_cannot_be_seen(system):
    """In a container its own group is what is mounted; those around it are known by their least limit."""
    group = v1(1 << 62, 30 * M, hierarchical_memory_limit=100 * M)
    assert system(V1, "4:memory:/docker/ab\n", {".": group}, root="/docker/ab") == [70 * M]


@pytest.mark.parametrize("path", ["0::/../../elsewhere\n", "0::/elsewhere\n"])
def test_a_group_outside_of_what_is_mounted(system, path):
    assert system(V2, path, {".": v2(100 * M, 30 * M)}, root="/pod/ab") == [70 * M]


@pytest.mark.parametrize("path", ["", "nonsense\n", "4:memory:/a\n"])
def test_what_is_not_understood_limits_nothing(system, path):
    assert system(V2, path, {".": {"memory.max": "much"}}) == []


def test_no_such_system(tmp_path):
    assert cgroups.free_memory(str(tmp_path)) == []


def test_the_least_counts(monkeypatch):
    monkeypatch.setattr(cgroups, "free_memory", lambda: [40 * M, 20 * M])
    assert (limits.available_memory(), limits.memory_limit()) == (20 * M, 15 * M)
    monkeypatch.setattr(cgroups, "free_memory", lambda: [-5])
    assert limits.available_memory() == 1
