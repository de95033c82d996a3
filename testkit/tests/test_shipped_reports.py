"""Our plugins ship the reports of the kit about them, and those belong to what is installed."""

from __future__ import annotations

import pytest

from lamella.plugins.conformance import report_of
from lamella.plugins.plugin import Plugin
from lamella.plugins.registry import default_registry
from lamella_testkit.catalogue import all_checks
from lamella_testkit.results import Status

OURS = [plugin for plugin in default_registry().usable() if (plugin.distribution or "").startswith("lamella-")]


@pytest.mark.parametrize("plugin", [pytest.param(one, id=one.name) for one in OURS if report_of(one) is not None])
def test_a_report_is_about_the_plugin_that_ships_it(plugin: Plugin) -> None:
    report = report_of(plugin)
    assert report is not None
    assert plugin.spec is not None
    assert report.report["format"] == plugin.name
    assert report.version == plugin.version
    assert report.report["capabilities"] == sorted(map(str, plugin.spec.capabilities))


@pytest.mark.parametrize("name", ["raw", "npy", "memory", "blo"])
def test_the_formats_of_the_core_are_fast(name: str) -> None:
    report = report_of(default_registry().get(name))
    assert report is not None
    assert report.level == 4
    statuses = {entry["check"]: entry["status"] for entry in report.report["checks"]}
    assert set(statuses.values()) <= {Status.passed, Status.not_applicable}
    assert set(statuses) <= {one.name for one in all_checks()}
