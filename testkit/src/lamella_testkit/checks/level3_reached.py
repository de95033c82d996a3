"""Level 3, robust: the files of the sampler reach the whole reader, so that the other checks look at all of it."""

from __future__ import annotations

import contextlib
import math
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamella.dataset.framereader import FrameReader
from lamella.errors import FrameMissingError, LamellaError
from lamella.io.buffered import BufferedBackend
from lamella.kernels.library import only_fallbacks
from lamella.reader import FrameSource, LinearSource, Probe, SigBox
from lamella.system.hosts import across_hosts
from lamella_testkit.checking import check
from lamella_testkit.errorpaths import Statement, statements
from lamella_testkit.kit import Kit
from lamella_testkit.modules import modules_of
from lamella_testkit.outcomes import Broken
from lamella_testkit.reached import forget_answers, recorded_lines
from lamella_testkit.sample import Sample
from lamella_testkit.spy import SpyBackend
from lamella_testkit.zoo import foreign_files

_SHAPES = (((3, 4), (5, 6)), ((1, 5), (3, 2)), ((1, 1), (1, 1)), ((7,), (4, 6)), ((2, 2, 3), (6, 4)))
_MOST_SHOWN = 20
_MOST_READ = 256 << 20
"""Bytes of pixels that are read at once; more takes long while lines are recorded."""


@dataclass(frozen=True, slots=True)
class _Missed:
    module: str
    statement: Statement

    @property
    def function(self) -> str:
        return f"{self.module.rpartition('.')[2]}.{self.statement.function}"

    def __str__(self) -> str:
        return f"{self.module}:{self.statement.lines.start}: {self.statement.code}"


@check(level=3, since="2026.2")
def right_files_reach_the_reader(kit: Kit) -> None:
    """Every line of the reader that is not on the way to an error is reached by a right file of the sampler.

    What no file reaches, no check has looked at. Add a variant to the sampler that needs the line, or delete the line.
    If no file can reach it here, `unreached` of the sampler names the function (`reader.Reader.open`) or repeats the
    line, and says why. Lines from which every way ends in `raise` or in a warning do not count.
    """
    modules = modules_of(kit.spec, type(kit.sampler))
    kit.needs(modules, "the reader has no source files")
    forget_answers(modules)  # other checks may have asked before
    with only_fallbacks(kit.package), recorded_lines(list(modules.values())) as lines:
        _use_all(kit)
    kit.current = None
    missed = [
        _Missed(name, one)
        for name, path in modules.items()
        for one in statements(path.read_text(encoding="utf-8"))
        if not one.error and lines[path].isdisjoint(one.lines)
    ]
    excuses = kit.sampler.unreached
    used = {key for one in missed for key in (one.function, one.statement.code) if key in excuses}
    left = [one for one in missed if one.function not in excuses and one.statement.code not in excuses]
    if left:
        more = [f"and {len(left) - _MOST_SHOWN} more"] if len(left) > _MOST_SHOWN else []
        text = "\n".join([*map(str, left[:_MOST_SHOWN]), *more])
        raise Broken(f"{len(left)} statements are reached by no right file:\n{text}")
    stale = sorted(set(excuses) - used)
    kit.expect(not stale, f"`unreached` excuses what is reached, or is not there: {', '.join(stale)}")
    empty = sorted(key for key, why in excuses.items() if not why.strip())
    kit.expect(not empty, f"`unreached` gives no reason for {', '.join(empty)}")


def _use_all(kit: Kit) -> None:
    """Open and read right files of every kind, and ask the reader about wrong and foreign ones."""
    shapes = [*_SHAPES, *(((3, 4), (5, 6, 2)[:rank]) for rank in kit.sampler.sig_ranks)]
    brief, variants = kit.profile.brief, kit.sampler.variants
    some = [
        kit.data(nav, sig, variant=variant)
        for number, variant in enumerate(variants)
        for nav, sig in (kit.in_turn(shapes, number) if brief else shapes)
    ]
    dtypes = (
        kit.kinds()
        if brief
        else [kit.data(dtype=one, variant=variant) for variant in variants for one in kit.sampler.dtypes]
    )
    for data in dict.fromkeys([*some, *dtypes]):
        with kit.case(data):
            _use(kit, kit.written(data))
    for variant in variants:
        for _, sample in kit.special(kit.data(variant=variant)):
            _use(kit, sample)
    for wrong, sample in kit.wrong():
        with kit.case(wrong), contextlib.suppress(LamellaError):
            kit.reader.detect(Probe.of(sample.target))
    for one in kit.sampler.recorded():
        with kit.case(one.path.name), contextlib.suppress(LamellaError):
            _use(kit, Sample(kit.data(), one.path.parent, one.path, one.keywords))
    if kit.of_files:
        extension = next(iter(kit.spec.extensions), "dat")
        for name, content in (*foreign_files(2), *_signed(kit)):
            for path in (kit.directory() / f"foreign.{extension}", kit.directory() / "foreign.xyz"):
                path.write_bytes(content)
                with kit.case(f"{name}, named {path.name}"):
                    kit.reader.detect(Probe.of(path))


def _signed(kit: Kit) -> Iterator[tuple[str, bytes]]:
    """Give files that begin as those of the format do, and go on otherwise."""
    for signature in kit.spec.signatures:
        yield f"{signature.magic!r} and zeros", (bytes(signature.offset) + signature.magic).ljust(4096, b"\0")


def _use(kit: Kit, sample: Sample) -> None:
    """Do with a file what a user does, and what the core does for several processes and hosts."""
    kit.reader.detect(Probe.of(sample.target))
    ds = kit.open(sample)
    if ds.nbytes <= _MOST_READ:  # frames of a longer scan are read below
        ds.read(fill=0)
    step = next(zip(*np.nonzero(ds.valid_mask), strict=True), None)
    if step is not None:
        ds[step]
        ds[(*step, *(slice(0, 1),) * len(ds.shape.sig))]
    ds.fingerprint  # noqa: B018 -- it asks the source
    ds.partitions(2)
    with across_hosts():
        source = pickle.loads(pickle.dumps(ds.source))
    source = pickle.loads(pickle.dumps(source))
    if isinstance(source, FrameSource):
        _read_in_other_orders(source)
    codec = source.encoding.codec if isinstance(source, LinearSource) else None
    if codec is not None:
        codec.storage_order(source.sig_shape)
    with contextlib.suppress(FrameMissingError), FrameReader(source, BufferedBackend()) as reader:
        reader.read(range(min(2, source.n_frames)))
    if isinstance(source, FrameSource) and source.rows is not None:
        _use_rows(source, source.rows.dtype)
    for give in source.info.per_frame.values():
        give()
    if source.info.navigator is not None:
        source.info.navigator()
    if callable(source.info.corrections):
        source.info.corrections()


def _read_in_other_orders(source: FrameSource) -> None:
    """Read the first pixels of some frames, in orders in which no view has them."""
    box = SigBox((0,) * len(source.sig_shape), tuple(max(1, n - 1) for n in source.sig_shape))
    session = SpyBackend().open(source.resources)
    try:
        for order in ([3, 2, 1, 0], [3, 0, 2, 1]):
            frames = np.array([number for number in order if number < source.n_frames], dtype=np.int64)
            with contextlib.suppress(FrameMissingError):
                source.read(session, frames, box, np.empty((len(frames), *box.shape), source.dtype))
    finally:
        session.close()


def _use_rows(source: FrameSource, dtype: np.dtype[Any]) -> None:
    """Read frames as computations do that need no order of pixels."""
    frames = np.arange(min(2, source.n_frames))
    out = np.empty((len(frames), math.prod(source.sig_shape)), dtype)
    session = BufferedBackend().open(source.resources)
    try:
        with contextlib.suppress(FrameMissingError):
            source.read_rows(session, frames, 0, out.shape[1], out)
    finally:
        session.close()
