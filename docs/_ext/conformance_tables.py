"""Tables about conformance: what plugins reached, what is checked, and the wrong readers that prove the checks."""

from __future__ import annotations

import sys
from pathlib import Path

from lamella.format import Capability
from lamella.plugins.conformance import report_of
from lamella.plugins.registry import default_registry
from lamella_testkit.catalogue import all_checks
from lamella_testkit.checking import LEVELS

_WRONG_READERS = Path(__file__).parents[2] / "testkit" / "tests"


def levels() -> str:
    """Give the level and the capabilities of each installed format, from the reports that plugins ship."""
    capabilities = [str(one) for one in Capability]
    rows = [
        "| format | level | version (profile) | " + " | ".join(capabilities) + " |",
        "|" + "---|" * (3 + len(capabilities)),
    ]
    for plugin in default_registry().usable():
        proof = report_of(plugin)
        assert plugin.spec is not None
        level = "not proved" if proof is None else proof.text(proof.version)
        version = "" if proof is None else f"{proof.version} (`{proof.report['kit']['profile']}`)"
        marks = ["✓" if one in plugin.spec.capabilities else "" for one in capabilities]
        rows.append(f"| `{plugin.name}` | {level} | {version} | " + " | ".join(marks) + " |")
    return "\n".join(rows)


def checks() -> str:
    """Give every check with its rule, level by level."""
    parts = []
    for level, name in enumerate(LEVELS):
        parts += [f"### Level {level}: {name}", "", "| check | rule |", "|---|---|"]
        parts += [f"| `{one.name}` | {_cell(one.rule)} |" for one in all_checks() if one.level == level]
        parts.append("")
    return "\n".join(parts)


def wrong_readers() -> str:
    """Give every mistake with the check that catches it."""
    if str(_WRONG_READERS) not in sys.path:
        sys.path.insert(0, str(_WRONG_READERS))
    from wrong_readers.catalogue import all_mistakes

    rows = ["| mistake | caught by | level |", "|---|---|---|"]
    rows += [f"| {_cell(one.text)} | `{one.check}` | {one.level} |" for one in all_mistakes()]
    return "\n".join(rows)


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("*", r"\*")
