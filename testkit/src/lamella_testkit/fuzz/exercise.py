"""What is done with each input: everything that a user does with a file first."""

from __future__ import annotations

import gc
import hashlib  # noqa: F401 (its first import must not meet a limit of memory)
import json
import math
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.api import Context
from lamella.errors import DetectionError, FormatError, FrameMissingError, LamellaWarning, ParameterError, PathError
from lamella.io.mmap import forget_mappings
from lamella.opening.detect import detect
from lamella.opening.open import open_dataset
from lamella.plugins.registry import default_registry
from lamella.reader import Probe
from lamella.udf import SumUDF
from lamella_testkit.audit import Seen, watch
from lamella_testkit.fuzz.outcome import READ, REFUSED, Outcome
from lamella_testkit.kit import told
from lamella_testkit.limits import TookTooLong, address_space, wall_clock
from lamella_testkit.outcomes import Broken
from lamella_testkit.robust import ALLOWANCE, attempt

if TYPE_CHECKING:
    from lamella_testkit.kit import Kit
    from lamella_testkit.sample import Sample

__all__ = ["Exercise", "Limits"]

_ALLOWED = (FormatError, FrameMissingError, ParameterError, DetectionError, PathError)
"""What opening and reading a file may raise."""
_HIDDEN = "has a defect; please report it"
"""Stands in errors into which the core translates what a reader must not raise."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an input may take.

    Parameters
    ----------
    seconds
        Time by the clock, without waiting for a processor [s].
    cpu_seconds
        Time of the processor [s].
    memory
        Memory besides four times the size of the files [bytes].
    careful
        Whether files are opened as files from strangers, with the keywords that the sampler names for them.
    """

    seconds: float = 10.0
    cpu_seconds: float = 10.0
    memory: int = ALLOWANCE
    careful: bool = True


class Exercise:
    """Tries the files of one format.

    Parameters
    ----------
    kit
        The plugin.
    limits
        What an input may take.
    """

    def __init__(self, kit: Kit, limits: Limits) -> None:
        self._kit = kit
        self._limits = limits
        self._context = Context("inline")
        self.stage = ""
        self.seen = Seen()

    def run(self, sample: Sample, *, thorough: bool = True) -> Outcome:
        """Try the files of a sample; whatever happens in Python becomes an outcome.

        Parameters
        ----------
        sample
            The files.
        thorough
            Whether a file that the reader has refused is opened by the core as well.
        """
        began = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", LamellaWarning)
            outcome = self._outcome(sample, thorough)
            forget_mappings()
            gc.collect()
        took = time.process_time() - began
        if not outcome.is_fault and took > self._limits.cpu_seconds:
            outcome = Outcome("hang", self.stage, f"it takes {took:.1f} s of the processor")
        return replace(outcome, seconds=took)

    def _outcome(self, sample: Sample, thorough: bool) -> Outcome:
        try:
            with watch() as self.seen, wall_clock(self._limits.seconds):
                return self._tried(sample, thorough)
        except TookTooLong as late:
            return Outcome("hang", self.stage, f"{late}{_stack(late)}", _place(late, ""))
        except Broken as broken:
            cause = broken.__cause__
            text = broken.what if cause is None else f"{broken.what}: {told(cause, self._kit.package)}"
            place = "" if cause is None else _place(cause, self._kit.package)
            return Outcome(_kind(broken), self.stage, text, place)
        except MemoryError as error:
            return Outcome("memory", self.stage, f"MemoryError{_stack(error)}", _place(error, self._kit.package))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            text = f"{told(error, self._kit.package)}{_stack(error)}"
            kind = "warning" if isinstance(error, Warning) else "exception"
            return Outcome(kind, self.stage, text, _place(error, self._kit.package))

    def _tried(self, sample: Sample, thorough: bool) -> Outcome:
        careful = self._kit.sampler.careful if self._limits.careful else {}
        self.stage = "detect"
        self._detect(sample.path)
        self.stage = "reader"
        source = attempt(self._kit, sample, **careful)
        if source is None and not thorough:
            return Outcome(REFUSED)
        with address_space(self._limits.memory + 4 * sample.nbytes):
            self.stage = "open"
            dataset = _allowed(lambda: open_dataset(self._kit.spec.name, sample.target, {**sample.keywords, **careful}))
            if dataset is None:
                return Outcome(REFUSED)
            self.stage = "show"
            _show(dataset)
            self.stage = "frames"
            complete = [_allowed(partial(dataset.read, at)) is not None for at in _positions(dataset)]
            self.stage = "mask"
            _allowed(lambda: int(dataset.valid_mask.sum()))
            self.stage = "sum"
            warnings.simplefilter("ignore", RuntimeWarning)  # pixels may be no numbers
            results = 64 * math.prod(dataset.shape.sig) + 32 * math.prod(dataset.shape.nav)
        with address_space(self._limits.memory + 4 * sample.nbytes + results):
            done = _allowed(lambda: self._context.run_udf(dataset, SumUDF()))
        return Outcome(READ if done is not None and all(complete) else REFUSED)

    def _detect(self, path: Path) -> None:
        """Ask all formats, and say whose detection fails."""
        report = detect(Probe.of(path), default_registry(), ask_hooks=False)
        json.dumps(report.to_json(), allow_nan=False)
        str(report)
        for candidate in report.candidates:
            if candidate.error is not None:
                raise Broken(f"the detection of {candidate.name} fails: {candidate.error}")


def _allowed(action: Callable[[], Any]) -> Any:
    """Give what an action gives, and None if it raises what it may."""
    try:
        return action()
    except _ALLOWED as error:
        if _HIDDEN in str(error):
            raise Broken("the core hides an error of the reader") from error
        return None


def _show(dataset: Any) -> None:
    """Ask for everything that is shown of a data set."""
    repr(dataset)
    dataset._repr_html_()
    json.dumps([dataset.metadata.to_json(), dict(dataset.raw_metadata), dataset.diagnostics], allow_nan=False)
    _ = dataset.axes, dataset.fingerprint, dataset.recipe, dataset.nbytes, dataset.missing_count
    _allowed(lambda: dataset.corrections)


def _positions(dataset: Any) -> Iterator[tuple[int, ...]]:
    """Give the first, the middle and the last position of the scan."""
    shape = tuple(dataset.shape.nav)
    count = math.prod(shape)
    for flat in dict.fromkeys((0, count // 2, count - 1)):
        if 0 <= flat < count:
            yield tuple(int(i) for i in np.unravel_index(flat, shape)) if shape else ()


def _kind(broken: Broken) -> str:
    text, cause = broken.what, broken.__cause__
    if isinstance(cause, Warning) or isinstance(getattr(cause, "__cause__", None), Warning):
        return "warning"
    if "MiB" in text or "memory" in text:
        return "memory"
    return "exception" if "raises" in text or "fails" in text or "hides" in text else "claim"


def _place(error: BaseException, package: str) -> str:
    """Give the innermost place in the code of the plugin, or of the core."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "lamella_testkit" not in frame.filename]
    own = [frame for frame in frames if package and package in Path(frame.filename).parts]
    ours = [frame for frame in frames if any(part.startswith("lamella") for part in Path(frame.filename).parts)]
    if not frames:
        return type(error).__name__
    frame = (own or ours or frames)[-1]
    return f"{type(error).__name__} {Path(frame.filename).name}:{frame.name}"


def _stack(error: BaseException) -> str:
    """Give the innermost lines."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return "".join(f"\n  {Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in frames)
