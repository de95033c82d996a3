"""Progress of a run: a bar in terminals and notebooks, or a callback."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias

from lamella.system.text import printable

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Progress", "ProgressOption", "make_progress"]

ProgressOption: TypeAlias = "bool | Callable[[int, int], object]"


class Progress(Protocol):
    """Counts what is done."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def advance(self, count: int) -> None:
        """Say that ``count`` more are done."""
        ...


def make_progress(option: ProgressOption, total: int, description: str, unit: str = "frames") -> Progress:
    """Give something that tells progress.

    Parameters
    ----------
    option
        False for nothing, True for a bar by tqdm if that is installed, or a function ``f(done, total)``.
    total
        How many there are.
    description, unit
        What is counted.
    """
    if callable(option):
        return _Callback(option, total)
    if option:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            return _Callback(lambda done, total: None, total)
        return _Bar(tqdm(total=total, desc=printable(description), unit=f" {unit}", leave=False))
    return _Callback(lambda done, total: None, total)


class _Callback:
    def __init__(self, callback: Callable[[int, int], object], total: int) -> None:
        self._callback = callback
        self._total = total
        self._done = 0

    def __enter__(self) -> Self:
        self._callback(0, self._total)
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def advance(self, count: int) -> None:
        self._done += count
        self._callback(self._done, self._total)


class _Bar:
    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def advance(self, count: int) -> None:
        self._bar.update(count)
