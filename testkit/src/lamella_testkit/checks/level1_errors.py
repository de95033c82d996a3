"""Level 1, readable: errors that help, and silence otherwise."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

from lamella.errors import FormatError, LamellaError, LamellaWarning, ParameterError
from lamella.params.fields import describe
from lamella_testkit.checking import check
from lamella_testkit.kit import Kit
from lamella_testkit.outcomes import Broken
from lamella_testkit.sample import Sample


@check(level=1, targets=("path",))
def missing_file_is_not_found(kit: Kit) -> None:
    """A file that does not exist raises FileNotFoundError, and a directory is no file."""
    sample = kit.fresh()
    with kit.case("a path at which there is nothing"):
        try:
            kit.open(sample, sample.path.with_name("nothing-" + sample.path.name))
        except FileNotFoundError:
            pass
        else:
            raise Broken("no error is raised")


@check(level=1, targets=("path",))
def errors_name_the_file(kit: Kit) -> None:
    """An error about a damaged file names the file and says what is wrong.

    Pass `path=probe.path`, and `expected`, `found` and `remedy` where they help.
    """
    for variant in kit.sampler.variants:
        for make in (_empty, _cut, _overwritten):
            sample = kit.fresh(kit.data(variant=variant))
            make(sample.path)
            with kit.case(f"variant {variant!r}, {str(make.__doc__).rstrip('.').lower()}"):
                error = _error_of(kit, sample)
                if error is None:
                    continue
                names = {path.name for path in sample.files}
                kit.expect(any(name in str(error) for name in names), f"the message names no file: {error}")
                kit.expect(error.problem.strip(), "the message says nothing")
                kit.expect(len(str(error)) < 2000, f"the message has {len(str(error))} characters")


def _error_of(kit: Kit, sample: Sample) -> FormatError | None:
    try:
        kit.source(sample)
    except FormatError as error:
        return error
    except ParameterError:  # nothing was found in the file, so that the user has to say it
        return None
    return None


def _empty(path: Path) -> None:
    """An empty file."""
    path.write_bytes(b"")


def _cut(path: Path) -> None:
    """A file of which 10 bytes are left."""
    path.write_bytes(path.read_bytes()[:10])


def _overwritten(path: Path) -> None:
    """A file whose first 64 bytes are overwritten."""
    content = path.read_bytes()
    path.write_bytes(b"\xa5" * min(64, len(content)) + content[64:])


@check(level=1)
def wrong_parameters_are_refused(kit: Kit) -> None:
    """An unknown parameter, and a value of the wrong kind, raise ParameterError before any file is read."""
    sample = kit.written()
    wrong: list[dict[str, object]] = [{"no_such_parameter": 1}, {"sync_offset": "many"}, {"nav_shape": (0, -1)}]
    described = describe(kit.plugin.params_class())
    wrong += [{info.name: _Nothing()} for info in described if info.param.kind != "object"]
    for keywords in wrong:
        with kit.case(f"keywords {keywords}"):
            try:
                kit.open(sample, **keywords)
            except ParameterError as error:
                name = next(iter(keywords))
                kit.expect(name in str(error), f"the message does not name {name!r}: {error}")
            else:
                raise Broken("no error is raised")


class _Nothing:
    """A value that fits no parameter."""

    def __repr__(self) -> str:
        return "<an object>"


@check(level=1)
def nothing_is_printed(kit: Kit) -> None:
    """Opening, reading and failing print nothing, and warn of nothing but through LamellaWarning.

    Use `logging`, `notes` of the source for what users should know, and close files.
    """
    logging.raiseExceptions = True
    for data in kit.kinds():
        sample = kit.written(data)
        damaged = kit.copy(sample)
        if kit.of_files:
            damaged.path.write_bytes(damaged.path.read_bytes()[:20])
        with kit.case(data), _captured() as text, warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", LamellaWarning)
            kit.open(sample).read()
            if kit.of_files:
                with contextlib.suppress(LamellaError, OSError):
                    kit.open(damaged).read()
        kit.expect(not text[0], f"it prints {text[0][:200]!r}")


@contextlib.contextmanager
def _captured() -> Iterator[list[str]]:
    """Catch what is written to standard output and error, by Python and by libraries below it."""
    text = [""]
    streams = io.StringIO()
    with tempfile.TemporaryFile() as file:
        kept = [os.dup(1), os.dup(2)]
        try:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            with contextlib.redirect_stdout(streams), contextlib.redirect_stderr(streams):
                yield text
        finally:
            for number, saved in zip((1, 2), kept, strict=True):
                os.dup2(saved, number)
                os.close(saved)
            file.seek(0)
            text[0] = streams.getvalue() + file.read().decode(errors="replace")
