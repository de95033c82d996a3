"""Searching formats by word: among the plugins that are installed, and among those of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lamella.plugins.known import KnownFormat, catalogue
from lamella.plugins.plugin import Plugin
from lamella.plugins.registry import Registry

__all__ = ["Found", "search"]


@dataclass(frozen=True, slots=True)
class Found:
    """A format that a search found.

    Parameters
    ----------
    name
        The name of the format.
    plugin
        The plugin, if one is installed.
    known
        The entry of the catalogue, if it has one.
    """

    name: str
    plugin: Plugin | None
    known: KnownFormat | None

    @property
    def title(self) -> str:
        """What the format is called in texts."""
        declared = self.plugin.spec if self.plugin is not None else None
        return declared.title if declared is not None else self.known.title if self.known is not None else ""

    @property
    def extensions(self) -> tuple[str, ...]:
        """Extensions of its files."""
        declared = self.plugin.spec if self.plugin is not None else None
        return declared.extensions if declared is not None else self.known.extensions if self.known is not None else ()

    @property
    def distribution(self) -> str | None:
        """The package that reads it."""
        if self.plugin is not None and self.plugin.distribution:
            return self.plugin.distribution
        return self.known.distribution if self.known is not None else None

    def rank(self, word: str) -> int | None:
        """Say how well it fits a word in lower case: 0 best, None not at all."""
        extension = word.rpartition(".")[2]
        if word == self.name or extension in self.extensions:
            return 0
        texts = [self.name, self.distribution or "", self.title]
        if any(word in text.lower() for text in texts):
            return 1
        more = [self.known.written_by, self.known.authors] if self.known is not None else []
        return 2 if any(word in text.lower() for text in more) else None


def search(words: Sequence[str], registry: Registry) -> list[Found]:
    """Give the formats that fit all words, best first.

    Parameters
    ----------
    words
        Parts of names, titles, cameras, programs or authors, in upper or lower case; or extensions and names of
        files.
    registry
        What is installed.
    """
    wanted = [word.lower() for word in words]
    ranked = []
    for found in _all(registry):
        ranks = [found.rank(word) for word in wanted]
        if None not in ranks:
            ranked.append((sum(rank or 0 for rank in ranks), found.name, found))
    return [found for _, _, found in sorted(ranked, key=lambda one: one[:2])]


def _all(registry: Registry) -> Iterator[Found]:
    installed = {plugin.name: plugin for plugin in registry.plugins()}
    for name in sorted({*installed, *catalogue()}):
        yield Found(name, installed.get(name), catalogue().get(name))
