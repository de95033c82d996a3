"""Changes of what is text in a file: numbers, words, lines, markup, and the names of other files."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lamella_testkit.fuzz.recipe import OUTSIDE, Step
from lamella_testkit.mutate import Change

if TYPE_CHECKING:
    from lamella_testkit.fuzz.bases import Part

__all__ = ["in_markup", "in_names", "in_text"]

_LOOKED_AT = 64 << 10
_NUMBER = re.compile(rb"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")
_WORD = re.compile(rb"[A-Za-z_][A-Za-z_0-9]{2,40}")
_TEXTS = re.compile(rb"[\x20-\x7e\r\n\t]{6,}")
_TAG = re.compile(rb"<(/?)([A-Za-z_][\w.-]*)[^<>]{0,300}>")
_ATTRIBUTE = re.compile(rb"""[\w.-]+\s*=\s*("[^"]{0,200}"|'[^']{0,200}')""")
_NEW_NUMBERS = (
    *(b"0", b"-1", b"1", b"2", b"-0", b"0.5", b"65536", b"4294967296", b"9223372036854775808", b"1e5", b"1e400"),
    *(b"nan", b"-inf", b"0x10", b"1_000", b"1,5", b"", b" ", b"\xd9\xa3", b"\xc2\xb2", b"+7", b"007"),
    b"9" * 40,
    b"9" * 5000,
    b"0x" + b"f" * 5000,
    b"1e-5000",
)
_NEW_WORDS = (
    *(b"", b"null", b"true", b"[]", b"{}", b"NaN", b"__import__", b"%s%n", b"..", b"\0", b"\xff\xfe", b"\x1b[2J"),
    *(b"\xe2\x80\xae", b"\xed\xa0\x80", b"A" * 300, b"A" * 70_000, b"[" * 3000, b'{"a":' * 2000, b"(" * 2000),
)

_ODD_MARKUP = (b"&lt;", b"&#0;", b"&#x110000;", b"&nothing;", b"<![CDATA[", b"<!--", b"<?x?>", b"\x0b", b"]]>")


def in_text(chance: random.Random, part: Part) -> Sequence[Change]:
    """Change a number, a word or a line of what can be read in a file; nothing if there is no text."""
    content = part.content[:_LOOKED_AT]
    stretches = [match.span() for match in _TEXTS.finditer(content)]
    if not stretches:
        return ()
    begin, end = chance.choice(stretches)
    kind = chance.randrange(6)
    if kind <= 2:
        return _exchanged(chance, content, begin, end, _NUMBER, _NEW_NUMBERS)
    if kind == 3:
        return _exchanged(chance, content, begin, end, _WORD, _NEW_WORDS)
    return _line(chance, content, begin, end)


def _exchanged(
    chance: random.Random, content: bytes, begin: int, end: int, pattern: re.Pattern[bytes], values: Sequence[bytes]
) -> Sequence[Change]:
    found = [match.span() for match in pattern.finditer(content, begin, end)]
    if not found:
        return ()
    first, last = chance.choice(found)
    if chance.random() < 0.15:
        other = chance.choice(found)
        return (Change(first, last, content[slice(*other)]),)
    new = chance.choice(values)
    if chance.random() < 0.5 and len(new) <= last - first:  # fields of a fixed width stay where they are
        new = new.ljust(last - first) if chance.random() < 0.5 else new.rjust(last - first, b"0")
    return (Change(first, last, new),)


def _line(chance: random.Random, content: bytes, begin: int, end: int) -> Sequence[Change]:
    """A line is missing, is there twice, or has changed places; or it has another end."""
    marks = [begin, *(match.end() for match in re.finditer(rb"\n", content[begin:end])), end]
    marks = sorted({mark if mark >= begin else mark + begin for mark in marks})
    i = chance.randrange(len(marks) - 1) if len(marks) > 1 else 0
    first, last = marks[i], marks[min(i + 1, len(marks) - 1)]
    line = content[first:last]
    kind = chance.randrange(5)
    if kind == 0:
        return (Change(first, last, b""),)
    if kind == 1:
        return (Change(first, first, line * chance.choice((1, 2, 50))),)
    if kind == 2:
        return (Change(first, last, b""), Change(begin, begin, line))
    if kind == 3:
        return (Change(first, last, line.replace(b"=", b" ").replace(b",", b"")),)
    return (Change(last, last, chance.choice((b"\r", b"\0", b"\n\n", b";", b'"', b"=", b"#"))),)


# XML.


def in_markup(chance: random.Random, part: Part) -> list[Step]:
    """Change XML: entities, elements, attributes, nesting; nothing if there is none."""
    content = part.content[: 4 * _LOOKED_AT]
    tags = list(_TAG.finditer(content))
    if len(tags) < 2:
        return []
    kind = chance.randrange(6)
    if kind == 0:
        return _entity(chance, part, content, tags)
    if kind == 1:
        return _attribute(chance, part, content)
    first = chance.choice(tags)
    if kind == 2:  # an element is missing, or there again
        last = _closing(tags, first)
        if chance.random() < 0.5:
            return [Step("replace", part.name, first.start(), last)]
        return [Step("repeat", part.name, first.start(), last, at=first.start())] * chance.choice((1, 3))
    if kind == 3:
        depth = chance.choice((50, 2000))
        return [Step("replace", part.name, first.start(), first.start(), new=b"<a>" * depth + b"</a>" * depth)]
    if kind == 4:
        other = chance.choice(tags)
        return [Step("replace", part.name, *first.span(), new=other[0])]
    new = chance.choice(_ODD_MARKUP)
    return [Step("replace", part.name, first.end(), first.end(), new=new)]


def _closing(tags: Sequence[re.Match[bytes]], first: re.Match[bytes]) -> int:
    for tag in tags:
        if tag.start() > first.start() and tag[1] and tag[2] == first[2]:
            return tag.end()
    return first.end()


def _entity(chance: random.Random, part: Part, content: bytes, tags: Sequence[re.Match[bytes]]) -> list[Step]:
    """Declare an entity that grows, that names a file, or that names itself, and use it."""
    declaration = content.find(b"?>")
    root = next(tag for tag in tags)
    at = declaration + 2 if 0 <= declaration < root.start() else root.start()
    kind = chance.randrange(4)
    if kind == 0:
        steps = b"".join(b'<!ENTITY e%d "%s">' % (i, b"&e%d;" % (i - 1) * 10) for i in range(1, 10))
        text, used = b'<!ENTITY e0 "eeeeeeeeee">' + steps, b"&e9;"
    elif kind == 1:
        target = chance.choice(
            (f"file://{OUTSIDE}/secret.txt", "file:///etc/passwd", "secret.txt", "http://localhost:9/")
        )
        text, used = f'<!ENTITY e SYSTEM "{target}">'.encode(), b"&e;"
    elif kind == 2:
        text, used = b'<!ENTITY e "&e;">', b"&e;"
    else:
        text, used = f'<!ENTITY % e SYSTEM "file://{OUTSIDE}/secret.txt"> %e;'.encode(), b""
    inner = chance.choice(tags).end()
    doctype = b"<!DOCTYPE " + root[2] + b" [" + text + b"]>"
    return [
        Step("replace", part.name, inner, inner, new=used),
        Step("name", part.name, at, at, name=doctype.decode()),
    ]


def _attribute(chance: random.Random, part: Part, content: bytes) -> list[Step]:
    found = list(_ATTRIBUTE.finditer(content))
    if not found:
        return []
    one = chance.choice(found)
    kind = chance.randrange(4)
    if kind == 0:
        return [Step("replace", part.name, *one.span())]
    if kind == 1:
        return [Step("replace", part.name, one.end(), one.end(), new=b" " + one[0])]
    new = chance.choice((*_NEW_NUMBERS, *_NEW_WORDS)) if kind == 2 else chance.choice(found)[1][1:-1]
    return [Step("replace", part.name, one.start(1) + 1, one.end(1) - 1, new=new)]


# Names.


def in_names(chance: random.Random, part: Part, names: Sequence[str]) -> list[Step]:
    """Change the name of a file of the input where it stands in another one; nothing if none does."""
    places: list[tuple[int, int, str, bool]] = []
    for name in names:
        stem = name.rpartition(".")[0] or name
        for text in dict.fromkeys((name, stem)):
            for encoded, wide in ((text.encode(), False), (text.encode("utf-16-le"), True)):
                at = part.content.find(encoded)
                while at >= 0 and len(places) < 64:
                    places.append((at, at + len(encoded), name, wide))
                    at = part.content.find(encoded, at + 1)
    if not places:
        return []
    begin, end, name, wide = chance.choice(places)
    same = "../" + name[3:] if len(name) > 4 else "../"
    new = chance.choice(
        (
            *(f"../{name}", same, f"{OUTSIDE}/{name}", f"..\\{name}", f"./{name}", f"file://{OUTSIDE}/{name}"),
            *(
                f"../input/../{name}",
                f"{OUTSIDE}/secret.txt",
                "/dev/zero",
                "/etc/passwd",
                "../secret.txt",
                "..",
                ".",
                "",
            ),
            *(f"{name}\0.txt", "\0", "CON", "a" * 5000, part.name, chance.choice(names), f"{name}/", "~/x", "*", "%s"),
        )
    )
    return [Step("name", part.name, begin, end, name=f"{new}\0\0" if wide else new)]
