"""Our plugins ship the reports of the kit about them, and those belong to what is installed."""

from __future__ import annotations

import pytest

from lamella.plugin import Plugin
from lamella.proof import proof_of
from lamella.registry import default_registry
from lamella_testkit.checking import all_checks
from lamella_testkit.results import Status

OURS = [plugin for plugin in default_registry().usable() if (plugin.distribution or "").startswith("lamella-")]


@pytest.mark.parametrize("plugin", [pytest.param(one, id=one.name) for one in OURS if proof_of(one) is not None])
def test_a_report_is_about_the_plugin_that_ships_it(plugin: Plugin) -> None:
    proof = proof_of(plugin)
    assert proof is not None
    assert plugin.spec is not None
    assert proof.report["format"] == plugin.name
    assert proof.version == plugin.version
    assert proof.report["capabilities"] == sorted(map(str, plugin.spec.capabilities))


@pytest.mark.parametrize("name", ["raw", "npy", "memory", "blo"])
def test_the_formats_of_the_core_are_fast(name: str) -> None:
    proof = proof_of(default_registry().get(name))
    assert proof is not None
    assert proof.level == 4
    statuses = {entry["check"]: entry["status"] for entry in proof.report["checks"]}
    assert set(statuses.values()) <= {Status.passed, Status.not_needed}
    assert set(statuses) <= {one.name for one in all_checks()}
