"""Every shipped format passes the conformance kit with the profile that its authors use while they develop."""

from __future__ import annotations

import pytest

from lamella.plugins.entrypoints import named_entry_points
from lamella.plugins.registry import default_registry
from lamella_testkit.results import Status
from lamella_testkit.runner import run
from lamella_testkit.samplers import GROUP, sampler_named


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(named_entry_points(GROUP)))
def test_a_format_passes_all_checks(name: str) -> None:
    plugin = default_registry().get(name)
    assert plugin.spec is not None
    results = run(plugin.spec, sampler_named(name), profile="dev", level=3)
    wrong = [str(result) for result in results if result.status in (Status.failed, Status.skipped)]
    assert not wrong, "\n".join(wrong)
