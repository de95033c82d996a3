"""Each test and check that SECURITY.md names for a promise exists, and each promise of its table has one."""

from __future__ import annotations

import re
from pathlib import Path

from lamella_testkit.catalogue import all_checks

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
TABLE = "| promise | held by |"


def held_by() -> dict[str, list[str]]:
    """Give the rows of the table: a promise, and the names of what holds it."""
    rows = TEXT[TEXT.index(TABLE) :].split("\n\n")[0].splitlines()[2:]
    pairs = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]
    return {promise: re.findall(r"`(\w+)`", names) for promise, names in pairs}


def functions() -> set[str]:
    """Give the names of all tests of the repository."""
    paths = [path for part in ("tests", "*/tests", "plugins/*/tests") for path in ROOT.glob(f"{part}/**/test_*.py")]
    declared = re.compile(r"^(?: {4})?(?:def|class) (\w+)", re.MULTILINE)
    return {name for path in paths for name in declared.findall(path.read_text(encoding="utf-8"))}


def test_every_promise_names_what_holds_it() -> None:
    rows = held_by()
    assert len(rows) > 10
    assert not [promise for promise, names in rows.items() if not names]


def test_everything_that_is_named_exists() -> None:
    known = functions() | {one.name for one in all_checks()}
    in_text = set(re.findall(r"`(test_\w+)`", TEXT))
    missing = ({name for names in held_by().values() for name in names} | in_text) - known
    assert not missing
