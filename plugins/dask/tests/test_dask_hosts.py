"""A cluster of two hosts, which are namespaces of this machine: files that differ, and cables that are cut."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("two_hosts.py")
NAMESPACES = ["unshare", "--net", "--mount"]


def cannot() -> str | None:
    """Why there are no namespaces here."""
    if sys.platform != "linux" or not all(
        map(shutil.which, ("unshare", "ip", "mount", "sysctl", "hostname", "setpriv"))
    ):
        return "there are no namespaces, or no tools for them"
    trial = "mount -t tmpfs tmpfs /run && ip netns add trial && ip link add v0 type veth peer name e0"
    done = subprocess.run([*NAMESPACES, "bash", "-c", trial], capture_output=True, text=True, check=False)
    return f"namespaces are refused: {done.stderr.strip()}" if done.returncode else None


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if (why := cannot()) is not None:
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("hosts")
    command = [*NAMESPACES, sys.executable, str(SCRIPT), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_file_that_is_missing_on_one_host_is_told_with_the_host_and_the_remedy(outcomes: dict[str, Any]) -> None:
    outcome = outcomes["missing on one host"]
    notes = "\n".join(outcome["notes"])
    assert "scan.npy" in outcome["error"]
    assert "host h2" in notes
    assert "LAMELLA_PATHS" in notes
    assert "tcp://10.9.2.2" in notes


@pytest.mark.parametrize("case", ["other size on one host", "other time on one host"])
def test_another_file_of_that_name_on_one_host_is_told_with_the_host(outcomes: dict[str, Any], case: str) -> None:
    assert "changed since the data set was opened" in outcomes[case]["error"]
    assert "scan.npy" in outcomes[case]["error"]
    assert "host h2" in "\n".join(outcomes[case]["notes"])
    assert outcomes["a time that is rounded on one host"].get("right"), outcomes


def test_a_file_that_one_host_must_not_read_is_told_with_the_host(outcomes: dict[str, Any]) -> None:
    outcome = outcomes["unreadable on one host"]
    assert "scan.npy: Permission denied" in outcome["error"]
    assert "host h2" in "\n".join(outcome["notes"])
    assert outcome["seconds"] < 60


def test_an_array_in_memory_reaches_other_hosts(outcomes: dict[str, Any]) -> None:
    assert outcomes["array in memory"].get("right"), outcomes["array in memory"]


@pytest.mark.parametrize("case", ["other mount point on one host", "other mount point on all hosts"])
def test_files_may_be_under_other_paths_on_the_workers(outcomes: dict[str, Any], case: str) -> None:
    assert outcomes[case].get("right"), outcomes[case]
    assert "scan.npy" in outcomes["without paths"]["error"]


@pytest.mark.parametrize("case", ["cut for a moment", "cut for good"])
def test_a_cable_that_is_cut_costs_time_but_no_result(outcomes: dict[str, Any], case: str) -> None:
    assert outcomes[case].get("right"), outcomes[case]
    assert outcomes[case]["seconds"] < 120


def test_a_cluster_is_usable_when_the_cable_is_back(outcomes: dict[str, Any]) -> None:
    assert outcomes["restored"].get("right"), outcomes["restored"]
