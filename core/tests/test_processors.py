"""How many processors may be used: affinity, quotas of control groups, and what the user says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lamella.system import processors
from lamella.system.processors import available_cpus, group_quota

V2 = "29 23 0:26 {root} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"
V1 = (
    "22 21 0:20 / /proc rw - proc proc rw\n"
    "33 25 0:30 {root} /sys/fs/cgroup/memory rw shared:14 - cgroup cgroup rw,memory\n"
    "34 25 0:31 {root} /sys/fs/cgroup/cpu,cpuacct rw shared:15 - cgroup cgroup rw,cpu,cpuacct\n"
)


def machine(root: Path, cgroup: str, mounts: str, files: dict[str, str]) -> Path:
    for name, text in {"proc/self/cgroup": cgroup, "proc/self/mountinfo": mounts, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("text", "quota"),
    [
        ("max 100000\n", None),
        ("150000 100000\n", 1.5),
        ("5000 100000\n", 0.05),
        ("400000 50000\n", 8),
        ("", None),
        ("x y\n", None),
        ("100000 0\n", None),
    ],
)
def test_the_quota_of_a_group_is_counted_in_processors(tmp_path: Path, text: str, quota: float | None) -> None:
    root = machine(tmp_path, "0::/job\n", V2.format(root="/"), {"sys/fs/cgroup/job/cpu.max": text})
    assert group_quota(root) == quota


def test_the_smallest_quota_of_all_groups_around_counts(tmp_path: Path) -> None:
    files = {
        "sys/fs/cgroup/a/cpu.max": "200000 100000",
        "sys/fs/cgroup/a/b/cpu.max": "max 100000",
        "sys/fs/cgroup/a/b/c/cpu.max": "300000 100000",
        "sys/fs/cgroup/other/cpu.max": "100000 100000",
    }
    assert group_quota(machine(tmp_path, "0::/a/b/c\n", V2.format(root="/"), files)) == 2


def test_the_quota_of_a_container_stands_at_its_own_root(tmp_path: Path) -> None:
    root = machine(tmp_path, "0::/\n", V2.format(root="/"), {"sys/fs/cgroup/cpu.max": "250000 100000"})
    assert group_quota(root) == 2.5


@pytest.mark.parametrize("group", ["/docker/abc", "/docker/abc/inner", "/../elsewhere"])
def test_a_part_of_the_tree_may_be_mounted(tmp_path: Path, group: str) -> None:
    files = {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "350000\n"}
    files["sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us"] = "100000\n"
    root = machine(tmp_path, f"5:memory:{group}\n4:cpu,cpuacct:{group}\n", V1.format(root="/docker/abc"), files)
    assert group_quota(root) == 3.5


@pytest.mark.parametrize(("quota", "found"), [("-1", None), ("60000", 1.2), ("0", None)])
def test_the_first_version_of_control_groups_is_known(tmp_path: Path, quota: str, found: float | None) -> None:
    place = "sys/fs/cgroup/cpu,cpuacct/slurm/job"
    files = {f"{place}/cpu.cfs_quota_us": quota, f"{place}/cpu.cfs_period_us": "50000"}
    assert group_quota(machine(tmp_path, "4:cpu,cpuacct:/slurm/job\n0::/x\n", V1.format(root="/"), files)) == found


def test_a_machine_without_control_groups_has_no_quota(tmp_path: Path) -> None:
    assert group_quota(tmp_path) is None
    assert group_quota(machine(tmp_path, "", "nonsense\n - \n", {})) is None


@pytest.mark.parametrize(("quota", "expected"), [(None, 6), (0.2, 1), (1.0, 1), (1.01, 2), (5.5, 6), (40.0, 6)])
def test_the_smaller_of_affinity_and_quota_counts_and_parts_are_rounded_up(
    monkeypatch: pytest.MonkeyPatch, quota: float | None, expected: int
) -> None:
    monkeypatch.delenv("PYTHON_CPU_COUNT", raising=False)
    monkeypatch.setattr(processors, "_quota", lambda: quota)
    monkeypatch.setattr(processors, "_affinity", lambda: 6)
    assert available_cpus() == expected


@pytest.mark.parametrize(("text", "chosen"), [("3", True), ("default", False), ("0", False), ("many", False)])
def test_the_user_may_choose_the_number_for_python(monkeypatch: pytest.MonkeyPatch, text: str, chosen: bool) -> None:
    monkeypatch.setattr(processors, "_quota", lambda: 1.5)
    monkeypatch.setattr(processors, "_affinity", lambda: 6)
    monkeypatch.setenv("PYTHON_CPU_COUNT", text)
    assert available_cpus() == (3 if chosen else 2)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity here")
def test_affinity_counts_and_may_change() -> None:
    code = """
import os
from lamella.system.processors import available_cpus
print(available_cpus())
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
print(available_cpus())
"""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON_CPU_COUNT"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    before, after = map(int, done.stdout.split())
    assert 1 <= before <= len(os.sched_getaffinity(0))
    assert after == 1
