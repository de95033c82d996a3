"""Documentation, help, messages and docstrings use usual words: none of those that a reader stumbles over.

Each entry of `EVERYWHERE` and `FOR_USERS` is a word or a construction, and what to write instead. Comments and code
are not checked.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("*/README.md")),
    *sorted(ROOT.glob("plugins/*/README.md")),
]
SOURCES = [ROOT / "core" / "src", ROOT / "testkit" / "src", *sorted(ROOT.glob("plugins/*/src"))]

EVERYWHERE = {
    r"lets? go of|letting go of": "release, unmap, close",
    r"gets? no figure|no figure": "is left out of the table",
    r"as good as the quiet": "reliable only on an idle machine",
    r"has no object": "not applicable to this format",
    r"not-needed": "not-applicable",
    r"interpreter'?s? lock": "GIL",
    r"by the hand": "step by step",
    r"speaks? (of|against)|spoke of": "says, mentions, is a reason against",
    r"mend(s|ed|ing)?": "fix, correct, repair",
    r"dearest": "most expensive, slowest",
    r"(is|are) (not )?well(?! (known|defined|below|tested|kept))": "works, does not work",
    r"(refused|known) by name": "with a message that says so",
    r"harms?( the)? (other|others)": "affects",
    r"as (it|they) lies?(?! in memory)": "as it is stored",
    r"comes? to no result": "gives no result",
    r"beam stood": "beam was",
    r"thousand million": "billion, 10^9",
    r"a word more": "more parameters",
    r"on all fours|at a stroke|in one stroke": "in one step",
}
"""What is avoided in all texts, docstrings included."""

FOR_USERS = {
    r"somebody|everybody|whoever": "say who it is: another program, all users, the caller",
    r"nobody": "no one, no program",
    r"stands? (in|beside|behind|there|above|below|for itself)": "is",
    r"stood (in|beside|behind|there|above|below)": "was",
    r"(?<!\()lies? (in|beside|behind|along|before|below|there|on|where|elsewhere)": "is",
    r"(?<!there )(?<!here )\bis no(?! (longer|more|less|different|such|need|limit|reason|matter))": "is not a, has no",
    r"costs? nothing": "is free, takes no time",
    r"behind (it|them|the (pixels|frames|last|end|header|data|name))": "after",
    r"be of use": "help",
    r"(and|or|;|,|\.|:) else (the|a|an|it|they|he|this|no|by|in|at|with|from|is|are|there|\w+s)": "otherwise",
    r"as ever": "as before",
    r"turn(s|ed|ing)? (over|about|around)": "transpose, reverse, rotate",
    r"(is|are|was|were) (not )?to be (seen|had|found|known|trusted|made|read)": "can be",
    r"(?<=, )for (it|they|there|no \w+ is|a wrong)": "because",
    r"c[oa]mes? of (it|that|them|the)": "is the result of",
    r"wants (a|an|the|another|its|their)": "needs",
    r"all the same": "nevertheless, still",
    r"innermost cache": "L1 cache",
    r"(is|are) told": "get a message, are informed",
    r"tells? (people|the user|users|of)": "informs, says",
    r"stretch(es)?": "range, part",
    r"strangers?": "other authors",
    r"pays? (nothing|for)": "has no cost",
    r"stands?|stood": "is, represents",
    r"gives? (it |them )?back": "returns",
    r"harm(s|less|ful)?": "affects, damages, safe",
    r"who (?:reads|writes|computes|wants|needs|uses|opens|asks|names|looks)": "if you, a program that",
    r"(?:asks?|asked) nobody|at its own end|in silence": "when it ends, without a message",
    r"(go|goes|going|went) on": "continues",
    r"knows? no": "has no",
    r"(brings|brought) nothing": "has no effect",
    r"cannot be (told|had)": "cannot be distinguished, is not available",
}
"""What pages and messages avoid as well."""


def compiled(avoided: Mapping[str, str]) -> Mapping[re.Pattern[str], str]:
    return {re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE): instead for pattern, instead in avoided.items()}


IN_DOCSTRINGS, IN_TEXTS = compiled(EVERYWHERE), compiled({**EVERYWHERE, **FOR_USERS})
CODE = re.compile(r"^(?P<fence>```+|:::+).*?^(?P=fence)\s*$|`[^`\n]*`", re.DOTALL | re.MULTILINE)


def prose(page: Path) -> Iterator[tuple[int, str]]:
    """Give the lines of a page that are no code, joined with the next one, with their numbers."""
    text = CODE.sub(lambda found: "\n" * found[0].count("\n") + "`x`", page.read_text(encoding="utf-8"))
    yield from enumerate(text.splitlines(), 1)


@lru_cache(maxsize=1)
def parsed(source: str) -> ast.Module:
    return ast.parse(source)


def literals(file: Path, *, docstrings: bool) -> Iterator[tuple[int, str]]:
    """Give the lines of the docstrings of a module, or those of all other texts in it."""
    tree = parsed(file.read_text(encoding="utf-8"))
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and (id(node) in alone) == docstrings:
            text = re.sub(r"``[^`]*``|`[^`]*`", "`x`", node.value)
            yield from ((node.lineno + number, line) for number, line in enumerate(text.splitlines()) if " " in line)


def stumbles(lines: Iterable[tuple[int, str]], words: Mapping[re.Pattern[str], str] = IN_TEXTS) -> Iterator[str]:
    """Say where lines have something that is avoided, and what to write instead."""
    lines = list(lines)
    text = "\n".join(line for _, line in lines)
    words = {pattern: instead for pattern, instead in words.items() if pattern.search(text)}
    for number, line in lines if words else ():
        for pattern, instead in words.items():
            if found := pattern.search(line):
                yield f"line {number}: {found[0]!r} ({instead}): {line.strip()[:100]}"


def stumbles_of(file: Path) -> Iterator[str]:
    """Say the same of a module."""
    yield from stumbles(literals(file, docstrings=True), IN_DOCSTRINGS)
    yield from stumbles(literals(file, docstrings=False))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_use_usual_words(page: Path) -> None:
    assert list(stumbles(prose(page))) == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(ROOT)))
def test_messages_and_docstrings_use_usual_words(source: Path) -> None:
    found = [f"{file.relative_to(ROOT)}, {one}" for file in sorted(source.rglob("*.py")) for one in stumbles_of(file)]
    assert found == []


def test_the_check_finds_what_it_looks_for(tmp_path: Path) -> None:
    page, module = tmp_path / "page.md", tmp_path / "module.py"
    page.write_text("Fine.\n\nWho computes something else gets no figure.\n\n```python\nnobody = 1\n```\n")
    module.write_text('"""It lets go of its maps."""\n\nerror = f"this is no block file, {1}"\nnobody = 1  # nobody\n')
    assert [one.partition(" (")[0] for one in stumbles(prose(page))] == [
        "line 3: 'gets no figure'",
        "line 3: 'Who computes'",
    ]
    assert [one.partition(" (")[0] for one in stumbles_of(module)] == ["line 1: 'lets go of'", "line 3: 'is no'"]
