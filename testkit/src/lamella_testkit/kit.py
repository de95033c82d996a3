"""What a check works with: the plugin, its sampler, a place for files, and the limits of the profile."""

from __future__ import annotations

import contextlib
import shutil
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from lamella.errors import LamellaWarning
from lamella.opening.open import open_dataset
from lamella.params.validate import split, validate
from lamella.plugins.examine import judge
from lamella.plugins.plugin import Plugin, Status
from lamella.plugins.registry import default_registry
from lamella.reader import Probe
from lamella_testkit.copies import Copies
from lamella_testkit.limits import TookTooLong, wall_clock
from lamella_testkit.outcomes import Broken, NotNeeded
from lamella_testkit.sample import Sample, SampleData, Special, Wrong

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from lamella.dataset.dataset import DataSet
    from lamella.format import Capability, FormatSpec
    from lamella.reader import FrameSource, LinearSource, Reader
    from lamella_testkit.profiles import Profile
    from lamella_testkit.sampler import Sampler

__all__ = ["Kit", "placed", "register", "sample_of", "told"]

T = TypeVar("T")

_LARGE_FRAME = 1 << 20  # bytes
_BYTES_PER_SECOND = 10e6
"""What a case takes at most to write, copy and read the usual scan, of formats with a large detector."""
UNINSTALLED = "<conformance>"
"""The distribution under which the kit registers a format that is not installed."""


class Kit:
    """One plugin under test.

    Parameters
    ----------
    spec
        The declaration of the format.
    sampler
        What writes its files.
    profile
        How hard to try.
    workdir
        An empty directory for files.
    notify
        Called with the description and the time limit of each case before it is tried.
    """

    def __init__(
        self,
        spec: FormatSpec,
        sampler: Sampler,
        *,
        profile: Profile,
        workdir: Path,
        notify: Callable[[str, float], None] = lambda text, seconds: None,
    ) -> None:
        self.spec = spec
        self.sampler = sampler
        self.profile = profile
        self.workdir = workdir
        self.current: str | None = None
        self._notify = notify
        self._written: dict[SampleData, Sample] = {}
        self._directories = 0
        self._copies = Copies(self._sampled, placed)
        self.plugin = register(spec)

    # The plugin.

    @property
    def reader(self) -> Reader[Any]:
        """The reader of the format."""
        return self.plugin.reader()

    @property
    def package(self) -> str:
        """The import name of the package that holds the reader."""
        return self.spec.reader.partition(":")[0].partition(".")[0]

    def has(self, capability: Capability) -> bool:
        """Whether the plugin declares a capability."""
        return capability in self.spec.capabilities

    @property
    def of_files(self) -> bool:
        """Whether the format is one of files."""
        return self.spec.target == "path"

    # Scans.

    def data(
        self,
        nav_shape: tuple[int, ...] = (3, 4),
        sig_shape: tuple[int, ...] = (5, 6),
        *,
        dtype: str | None = None,
        variant: str | None = None,
        seed: int = 0,
    ) -> SampleData:
        """Give the nearest scan that the format can hold."""
        nav = _with_rank(nav_shape, self.sampler.nav_ranks)
        sig = _with_rank(sig_shape, self.sampler.sig_ranks)
        fitting = self.sampler.fit(
            SampleData(
                nav,
                sig,
                dtype or self.sampler.dtypes[0],
                bits=self.sampler.bits,
                variant=self.sampler.variants[0] if variant is None else variant,
                seed=seed,
            )
        )
        return self._copies.known(fitting)

    def kinds(self, nav_shape: tuple[int, ...] = (3, 4), sig_shape: tuple[int, ...] = (5, 6)) -> list[SampleData]:
        """Give a scan for every variant and dtype of the format, without repetition.

        A quick profile takes every dtype in the first variant, and some in turn in the others.
        """
        dtypes, chosen = self.sampler.dtypes, []
        for i, variant in enumerate(self.sampler.variants):
            all_of_them = i == 0 or not self.profile.quick
            most = min(self.profile.dtypes, len(dtypes))
            some = dtypes if all_of_them else [dtypes[(most * i + j) % len(dtypes)] for j in range(most)]
            chosen += [self.data(nav_shape, sig_shape, dtype=dtype, variant=variant) for dtype in some]
        return list(dict.fromkeys(chosen))

    def in_turn(self, cases: Sequence[T], number: int) -> Sequence[T]:
        """Give the cases for a variant, by its number: all of them, or a third in turn.

        A quick profile takes all in the first variant; three others that follow each other have them all again.
        """
        return cases[number % 3 :: 3] if number and self.profile.quick else cases

    def few(self, cases: Sequence[T]) -> Sequence[T]:
        """Give the cases; a quick profile takes a third of them where frames are large."""
        return cases[::3] if self.profile.quick and self._has_large_frames else cases

    @cached_property
    def _has_large_frames(self) -> bool:
        """Whether the format cannot hold small frames."""
        data = self.data((1, 1))
        return data.nbytes // data.n_frames > _LARGE_FRAME

    def written(self, data: SampleData | None = None) -> Sample:
        """Give the file of a scan, written once; not to be changed."""
        data = self.data() if data is None else data
        if data not in self._written:
            self._written[data] = self.fresh(data)
        return self._written[data]

    def special(self, data: SampleData | None = None) -> Iterator[tuple[Special, Sample]]:
        """Write the special files of the sampler one after the other; each is there until the next one is asked for."""
        data = self.data() if data is None else data
        directory = self.directory()
        for one in self.sampler.write_special(directory, data):
            with self.case(f"{one}, from {data}"):
                yield one, sample_of(data, directory, one.keywords)

    def wrong(self, data: SampleData | None = None) -> Iterator[tuple[Wrong, Sample]]:
        """Write the wrong files of the sampler one after the other; each is there until the next one is asked for."""
        data = self.data() if data is None else data
        directory = self.directory()
        for answer in self.sampler.write_wrong(directory, data):
            one = answer if isinstance(answer, Wrong) else Wrong(*answer)
            yield one, sample_of(data, directory, one.keywords)

    def fresh(self, data: SampleData | None = None) -> Sample:
        """Write the file of a scan into a directory of its own; it may be changed."""
        data = self.data() if data is None else data
        directory = self.directory()
        if not self.of_files:
            return self._sampled(data, directory)
        return self._copies.write(data, directory)

    def _sampled(self, data: SampleData, directory: Path) -> Sample:
        return sample_of(data, directory, self.sampler.write(directory, data))

    def directory(self) -> Path:
        """Give a new empty directory."""
        self._directories += 1
        directory = self.workdir / f"{self._directories:05d}"
        directory.mkdir(parents=True)
        return directory

    def copy(self, sample: Sample, directory: Path | None = None) -> Sample:
        """Give a copy of the files of a sample, which may be changed."""
        directory = directory or self.directory()
        shutil.copytree(sample.directory, directory, dirs_exist_ok=True)
        return placed(sample, directory)

    def clean(self) -> None:
        """Remove all files."""
        self._written.clear()
        shutil.rmtree(self.workdir, ignore_errors=True)
        self.workdir.mkdir(parents=True, exist_ok=True)

    # Opening.

    def open(self, sample: Sample, target: object = None, **keywords: Any) -> DataSet:
        """Open a sample as a user does; warnings about missing frames are dropped."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LamellaWarning)
            return open_dataset(
                self.spec.name,
                sample.target if target is None else target,
                {**sample.keywords, **keywords},
                registry=default_registry(),
            )

    def params(self, sample: Sample, **keywords: Any) -> Any:
        """Give the parameters of the plugin for a sample, completed by detection and checked as the core does."""
        return self._params(Probe.of(sample.target), {**sample.keywords, **keywords})

    def _params(self, probe: Probe, keywords: Mapping[str, Any]) -> Any:
        cls = self.plugin.params_class()
        match = self.reader.detect(probe)
        detected = {} if match is None else match.params
        for_plugin, _ = split(cls, {**detected, **keywords}, api=self.spec.api)
        return validate(cls, for_plugin)

    def source(self, sample: Sample, **keywords: Any) -> LinearSource | FrameSource:
        """Ask the reader itself, so that none of its exceptions is translated; one probe serves it, as in the core."""
        probe = Probe.of(sample.target)
        return self.reader.open(self._params(probe, {**sample.keywords, **keywords}), probe)

    # Trying.

    @cached_property
    def _seconds(self) -> float:
        """The time limit of a case."""
        return self.profile.case_seconds + self.data().nbytes / _BYTES_PER_SECOND

    @contextlib.contextmanager
    def case(self, text: object, *, seconds: float | None = None) -> Iterator[None]:
        """Announce what is tried now, and limit its time."""
        self.current = str(text)
        limit = self._seconds if seconds is None else seconds
        self._notify(self.current, limit)
        try:
            with wall_clock(limit):
                yield
        except TookTooLong as late:
            raise Broken(f"it hangs: {late}", example=str(text)) from late

    def search(self, strategy: SearchStrategy[T], body: Callable[[T], None], *, share: float = 1.0) -> None:
        """Try a property on many examples and give the smallest one that breaks it.

        Parameters
        ----------
        strategy
            Where examples come from.
        body
            The property; raises if it does not hold.
        share
            Share of the examples of the profile, for properties that take long. A quick profile takes a third of
            it where frames are large.
        """
        share /= 3 if self.profile.quick and self._has_large_frames else 1
        from hypothesis import HealthCheck, Phase, Verbosity, given, settings

        failed: dict[str, BaseException] = {}
        began: list[float] = []
        last: list[str] = []

        def attempt(example: T) -> None:
            text = repr(example)
            if began and time.monotonic() - began[0] > self.profile.shrink_seconds and text not in failed:
                return  # the time for shrinking is over: keep what was found
            try:
                with self.case(example):
                    body(example)
            except Exception as error:
                began[:] = began or [time.monotonic()]
                if "it hangs" in str(error):
                    began[0] = float("-inf")
                failed[text] = error
                last[:] = [str(example)]
                raise

        trial = settings(
            max_examples=max(5, int(self.profile.examples * share)),
            derandomize=self.profile.derandomize,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
            report_multiple_bugs=False,
            phases=(Phase.explicit, Phase.generate, Phase.shrink),
        )(given(strategy)(attempt))
        try:
            trial()
        except Broken as broken:
            broken.example = broken.example or (last[0] if last else None)
            raise
        except Exception:
            self.current = last[0] if last else self.current
            raise

    def expect(self, condition: object, what: str) -> None:
        """Raise `Broken` unless the condition holds."""
        if not condition:
            raise Broken(what)

    def needs(self, condition: object, why: str) -> None:
        """Leave the check as not needed unless the condition holds."""
        if not condition:
            raise NotNeeded(why)


def told(error: BaseException, package: str) -> str:
    """Give an exception as one line: type, message, and the place in the plugin's own code."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if package in Path(frame.filename).parts or package == Path(frame.filename).stem]
    place = (own or frames)[-1:] if frames else []
    where = "".join(f" ({_short(frame.filename)}, line {frame.lineno}, in {frame.name})" for frame in place)
    return f"{type(error).__name__}: {str(error) or 'no message'}{where}"


def _short(filename: str) -> str:
    return "/".join(Path(filename).parts[-2:])


def register(spec: FormatSpec) -> Plugin:
    """Give the plugin of a format; one that is not installed is made known to this process."""
    registry = default_registry()
    for plugin in registry.plugins():
        if plugin.name == spec.name and plugin.spec == spec and plugin.distribution != UNINSTALLED:
            if plugin.distribution is not None:
                registry.prefer(spec.name, plugin.distribution)
            return registry.get(spec.name)
    examined = judge(Plugin(spec.name, Status.ok, None, UNINSTALLED), spec)
    if examined.status is not Status.ok:
        return examined
    registry.register(spec, distribution=UNINSTALLED)
    registry.prefer(spec.name, UNINSTALLED)
    return registry.get(spec.name)


def _with_rank(shape: tuple[int, ...], ranks: tuple[int, ...]) -> tuple[int, ...]:
    """Give a shape of an allowed rank with about the same numbers."""
    if len(shape) in ranks:
        return shape
    rank = ranks[0]
    if rank < len(shape):
        return (*shape[: rank - 1], int(np.prod(shape[rank - 1 :])))
    return (1,) * (rank - len(shape)) + shape


def sample_of(data: SampleData, directory: Path, answer: Mapping[str, Any]) -> Sample:
    """Give what a sampler wrote, from its answer."""
    keywords = dict(answer)
    if "path" in keywords:
        given = keywords.pop("path")
        return Sample(data, directory, given if isinstance(given, list) else Path(given), keywords)
    return Sample(data, directory, keywords.pop("data"), keywords)


def placed(sample: Sample, directory: Path) -> Sample:
    """Give what a sample is if its files lie in another directory."""
    target = sample.target
    if isinstance(target, Path):
        target = directory / target.relative_to(sample.directory)
    return Sample(sample.data, directory, target, _moved(sample.keywords, sample.directory, directory))


def _moved(keywords: Mapping[str, Any], old: Path, new: Path) -> dict[str, Any]:
    return {
        key: new / value.relative_to(old) if isinstance(value, Path) and value.is_relative_to(old) else value
        for key, value in keywords.items()
    }
