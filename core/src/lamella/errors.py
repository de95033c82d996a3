"""Every error that Lamella raises on purpose; each says what was expected, what was found and what to do."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import NamedTuple

from lamella.system.paths import relative_names
from lamella.system.text import LINE, PrintableError, Show, fitting, printable

__all__ = [
    "AmbiguousFormatError",
    "CancelledRun",
    "ChildError",
    "CorruptError",
    "DetectionError",
    "FolderError",
    "FormatError",
    "FrameMissingError",
    "LamellaError",
    "LamellaWarning",
    "MissingPathError",
    "NoFormatError",
    "ParameterError",
    "PathError",
    "PluginError",
    "Problem",
    "TruncatedError",
    "UDFError",
    "UnreadablePathError",
    "UnsupportedError",
    "WorkerLost",
]


def _notes(error: BaseException) -> dict[str, list[str]]:
    """Give what an error keeps beside its arguments when it is pickled: where it was raised."""
    return {"__notes__": list(getattr(error, "__notes__", ()))}


class LamellaError(PrintableError):
    r"""Base class of all errors that Lamella raises on purpose.

    The text of an error is fit to be shown: whatever a file or a path brought into it, characters that control a
    terminal appear as escapes, and long values are cut. Each argument is one line of the text; a line break within an
    argument is shown as an escape.

    Examples
    --------
    >>> print(LamellaError("a line", "another\x1b[2J\nline"))
    a line
    another\x1b[2J\nline
    """

    def relative_to(self, root: str | os.PathLike[str]) -> str:
        """Give the text, fit to be shown, with names of files relative to a folder instead of their whole paths."""
        text: str = relative_names(str(self), root)
        return text


class LamellaWarning(UserWarning):
    """Something that a user should know about data or a result, and that is not an error."""

    def __str__(self) -> str:
        return "\n".join(fitting(self.args))


class FormatError(LamellaError):
    """A file cannot be read as the format it was opened with.

    Parameters
    ----------
    problem
        What is wrong, in one clause.
    path
        The file in which it was found.
    expected, found
        The two sides of the disagreement, where there are two.
    remedy
        What the reader of the message can do now.
    """

    def __init__(
        self,
        problem: str,
        *,
        path: str | os.PathLike[str] | None = None,
        expected: object = None,
        found: object = None,
        remedy: str | None = None,
    ) -> None:
        self.problem = problem
        self.path = None if path is None else os.fspath(path)
        self.expected = expected
        self.found = found
        self.remedy = remedy
        super().__init__(problem)

    def _lines(self, show: Show) -> Sequence[str]:
        where = "" if self.path is None else f"{show(self.path)}: "
        parts = [f"{where}{self.problem}"]
        if self.expected is not None:
            parts.append(f"expected {show(self.expected)}")
        if self.found is not None:
            parts.append(f"found {show(self.found)}")
        text = "; ".join(parts)
        return [f"{text}. {self.remedy}" if self.remedy else text]

    def __reduce__(self) -> tuple[object, ...]:
        return (
            _rebuild_format_error,
            (
                type(self),
                self.problem,
                self.path,
                self.expected,
                self.found,
                self.remedy,
            ),
            _notes(self),
        )


def _rebuild_format_error(
    kind: type[FormatError],
    problem: str,
    path: str | None,
    expected: object,
    found: object,
    remedy: str | None,
) -> FormatError:
    return kind(problem, path=path, expected=expected, found=found, remedy=remedy)


class TruncatedError(FormatError):
    """The file ends before the data that its header announces."""


class CorruptError(FormatError):
    """The file contradicts itself."""


class UnsupportedError(FormatError):
    """The file is valid, but uses a variant that this reader does not know."""


class DetectionError(LamellaError):
    """The format of a file could not be determined."""


class NoFormatError(DetectionError):
    """No installed format recognises the file."""


class AmbiguousFormatError(DetectionError):
    """Several formats claim the file with about the same confidence."""


_NO_SUCH_FILE = (errno.ENAMETOOLONG, errno.ELOOP)
"""What the operating system says of a path that no file can have; Python has no class for it."""


class PathError(LamellaError, OSError):
    """A path that was named cannot be opened; has ``errno``, ``strerror`` and ``filename`` like every `OSError`."""

    def _lines(self, show: Show) -> Sequence[str]:
        return [f"{show(self.filename) or repr(self.filename)}: {self.strerror}"]

    @classmethod
    def of(cls, error: OSError, path: str | os.PathLike[str]) -> PathError:
        """Give what the operating system said about a path, as the kind of error that both families know."""
        kinds: dict[type[OSError], type[PathError]] = {
            FileNotFoundError: MissingPathError,
            NotADirectoryError: MissingPathError,
            PermissionError: UnreadablePathError,
        }
        kind = next((kind for base, kind in kinds.items() if isinstance(error, base)), cls)
        if error.errno in _NO_SUCH_FILE:
            kind = MissingPathError
        if isinstance(error, IsADirectoryError):
            return FolderError(error.errno, f"{os.fspath(path)}: {error.strerror}", os.fspath(path))
        return kind(error.errno, error.strerror, os.fspath(path))


class MissingPathError(PathError, FileNotFoundError):
    """There is no file or folder of that name."""


class UnreadablePathError(PathError, PermissionError):
    """The path may not be read: the operating system does not allow it, or it is a device or a pipe and not a file."""


class FolderError(PathError, NoFormatError, IsADirectoryError):
    """A folder was named, and no installed format opens it; says what is in it."""

    def _lines(self, show: Show) -> Sequence[str]:
        return str(self.strerror).split("\n")


class Problem(NamedTuple):
    """One thing that is wrong with parameters: at which of them it is to be shown, and a sentence.

    ``field`` is None where no single parameter is to blame.
    """

    field: str | None
    text: str

    def __str__(self) -> str:
        return printable(self.sentence, LINE)

    @property
    def sentence(self) -> str:
        """The sentence with the name of the parameter in front, where it does not name it by itself."""
        begins = self.text.partition(" ")[0].rstrip(":,")
        named = begins == self.field or self.text.startswith(f"unknown parameter {self.field!r}")
        return self.text if self.field is None or named else f"{self.field}: {self.text}"


class ParameterError(LamellaError, ValueError):
    """Parameters are wrong; ``problems`` lists everything that is, at once.

    Parameters
    ----------
    problems
        A sentence or several, or pairs ``(name of the parameter or None, sentence)``.
    field
        The parameter that sentences without a name are about.
    subject
        What the parameters are for; begins the message.

    Attributes
    ----------
    problems : tuple of Problem
        Named tuples ``(field, text)``.

    Examples
    --------
    >>> error = ParameterError("must be positive, found -3", field="radius")
    >>> str(error)
    'radius: must be positive, found -3'
    >>> ParameterError([("x", "must be an integer"), (None, "give x or y")], subject="point").problems[0].field
    'x'
    """

    def __init__(
        self,
        problems: str | Sequence[str | tuple[str | None, str]],
        *,
        field: str | None = None,
        subject: str | None = None,
    ) -> None:
        listed = (problems,) if isinstance(problems, str) else tuple(problems)
        self.problems = tuple(Problem(field, one) if isinstance(one, str) else Problem(*one) for one in listed)
        self.subject = subject
        super().__init__(self.problems, subject)

    def _lines(self, show: Show) -> Sequence[str]:
        lead = "" if self.subject is None else f"{show(self.subject)}: "
        if len(self.problems) == 1:
            return [f"{lead}{self.problems[0].sentence}"]
        return [f"{lead}{len(self.problems)} problems", *(f"  - {problem.sentence}" for problem in self.problems)]

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_parameter_error, (self.problems, self.subject), _notes(self)


def _rebuild_parameter_error(problems: tuple[Problem, ...], subject: str | None) -> ParameterError:
    return ParameterError(problems, subject=subject)


class FrameMissingError(LamellaError):
    """A scan position was read for which the file holds no frame."""


class PluginError(LamellaError):
    """A plugin is absent, broken, incompatible or in conflict with another."""


class UDFError(LamellaError):
    """A user-defined function failed, or broke a rule of the computing API."""


class CancelledRun(LamellaError):
    """A run was cancelled before it was complete."""


class ChildError(LamellaError):
    """Work that was done in a child process came to no result.

    Parameters
    ----------
    task
        What the child was to do.
    found
        What came of it, for instance ``"it ended by signal 11 (SIGSEGV)"``.
    started
        Whether there was a child at all; false where this program is not a Python that could be started.
    raised
        Whether the function raised an exception, so that the child came to an end of its work.
    """

    def __init__(self, task: str, found: str, *, started: bool = True, raised: bool = False) -> None:
        super().__init__(f"{task}, in a child process: {found}")
        self.task = task
        self.found = found
        self.started = started
        self.raised = raised

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_child_error, (self.task, self.found, self.started, self.raised), _notes(self)


def _rebuild_child_error(task: str, found: str, started: bool, raised: bool) -> ChildError:
    return ChildError(task, found, started=started, raised=raised)


class WorkerLost(LamellaError):
    """Workers ended while they worked on one item of a run, which was given up.

    Executors raise it; what started the run says what the item was. A run of UDFs raises `UDFError` instead, which
    names UDFs, partition, frames and file.

    Parameters
    ----------
    index
        Number of the item in the sequence that the executor was given.
    attempts
        How many workers were lost with it.
    where
        What is known of the last one, such as ``"exit code -9"`` or an address.
    remedy
        What the reader of the message can do now.
    """

    def __init__(self, index: int, attempts: int, where: str, remedy: str | None = None) -> None:
        self.index = index
        self.attempts = attempts
        self.where = where
        self.remedy = remedy
        super().__init__(index, attempts, where, remedy)

    def _lines(self, show: Show) -> Sequence[str]:
        return [self.told(f"item {self.index}")]

    def told(self, item: str) -> str:
        """Give the message with another name for the item, such as ``"partition 3 of scan.blo"``."""
        times = "once" if self.attempts == 1 else f"{self.attempts} times"
        text = f"the worker of {item} ended {times} ({self.where})"
        return f"{text}. {self.remedy}" if self.remedy else text
