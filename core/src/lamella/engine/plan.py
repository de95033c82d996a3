"""What is decided before a run: dtypes, tiles and partitions. A plan pickles, and makes UDF instances anywhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.dataset.pickling import ReopensDataSet
from lamella.dataset.rowlayout import RowLayout, decoded_layout, stored_layout
from lamella.dataset.tiling import (
    DECODED_TILE_BYTES,
    LONE_TILE_BYTES,
    NUMPY_TILE_BYTES,
    TILE_BYTES,
    TileWish,
    TilingScheme,
    negotiate,
    negotiate_blocks,
    usual_target,
)
from lamella.engine.fusion import is_quick, one_call
from lamella.engine.workload import LARGE_RESULT, check_results, cut_scan, is_small, selected_nbytes
from lamella.errors import UDFError
from lamella.kernels.compilequeue import compile_queue
from lamella.system.memo import Memo
from lamella.udf.base import UDF, Method
from lamella.udf.buffers import AuxData, Namespace, Views
from lamella.udf.meta import UDFMeta
from lamella.udf.results import ResultBuffer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamella.corrections.corrections import Corrections
    from lamella.dataset.dataset import DataSet
    from lamella.dataset.partition import Partition
    from lamella.executors.executor import Executor
    from lamella.geometry.roi import Region
    from lamella.geometry.shape import Shape
    from lamella.udf.buffers import BufferSpec

__all__ = ["ChangedParams", "Plan", "PlannedUDF", "bind_params", "make_plan", "params_of"]

_METHODS = ("rows", "tile", "frame", "partition")
_UNBOUNDED = 1 << 60
_WAITING = 64 << 20
"""Results that may wait to be merged [bytes]."""


@dataclass(frozen=True, slots=True)
class PlannedUDF:
    """One UDF of a run: its class and parameters, how it gets data, and in which dtype."""

    cls: type[UDF]
    kwargs: Mapping[str, Any]
    method: Method
    input_dtype: np.dtype[Any]
    memo: Memo = field(default_factory=Memo, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class _Size:
    """Size of the results of a UDF: what a partition gives apart from scan positions, and for each of these [bytes]."""

    held: int
    each: int

    @classmethod
    def of(cls, specs: Iterable[BufferSpec], sig: Shape) -> _Size:
        held = each = 0
        for spec in specs:
            if spec.kind == "nav":
                each += spec.nbytes(1, sig)
            elif spec.use != "result_only":
                held += spec.nbytes(0, sig)
        return cls(held, each)


@dataclass(frozen=True, slots=True)
class ChangedParams:
    """Parameters of all UDFs of a run that were changed meanwhile, and how often that happened."""

    generation: int
    kwargs: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, before: ChangedParams | Plan, changes: Sequence[Mapping[str, Any]]) -> ChangedParams:
        """Give the parameters after one more change: a mapping for each UDF, empty for no change."""
        if isinstance(before, Plan):
            before = cls(0, tuple(planned.kwargs for planned in before.udfs))
        if len(changes) != len(before.kwargs):
            raise UDFError(f"{len(changes)} sets of parameters were given for {len(before.kwargs)} UDFs")
        kwargs = tuple(
            {**old, **{name: _plain(value) for name, value in new.items()}}
            for old, new in zip(before.kwargs, changes, strict=True)
        )
        return cls(before.generation + 1, kwargs)


@dataclass(frozen=True)
class Plan(ReopensDataSet):
    """Everything that tasks of one run share."""

    region: Region
    udfs: tuple[PlannedUDF, ...]
    scheme: TilingScheme
    read_dtype: np.dtype[Any]
    corrections: Corrections | None
    partitions: tuple[Partition, ...] = field(repr=False)
    rows: RowLayout | None = None
    """How UDFs that take rows see tiles; None if there is no such UDF."""
    held: int = 0
    """Size of what a partition gives, apart from entries for its own scan positions [bytes]."""
    events: bool = False
    """Whether UDFs get events of sparse data instead of pixels."""
    share_nbytes: int = 0
    """Pixels that one process sees of the run, about [bytes]."""
    small: bool = False
    """Whether the calling thread does everything: waking up others would take as long, or there is only one task."""

    def span(self, partition: Partition) -> tuple[int, int]:
        """Give where the results of a partition lie on the compressed scan axis."""
        return self.region.before(partition.start), self.region.before(partition.stop)

    @property
    def boxes_come_once(self) -> bool:
        """Whether there is one tile for each box of the detector, so that nothing is kept for the next one."""
        if self.events or len(self.partitions) > 1:
            return False
        start, stop = self.span(self.partitions[0])
        return stop - start <= self.scheme.depth

    @property
    def ahead(self) -> int | None:
        """How many results of partitions may wait to be merged; None where they are so small that it is no matter."""
        return None if self.held < LARGE_RESULT else max(1, _WAITING // self.held)

    def positions(self, partition: Partition | None = None) -> range | NDArray[np.int64]:
        """Give the selected flat positions of a partition, or of the whole scan."""
        if partition is None:
            return self.region.positions(0, self.region.n_positions)
        return self.region.positions(partition.start, partition.stop)

    def make(
        self,
        index: int,
        changed: ChangedParams | None = None,
        partition: Partition | None = None,
        **facts: Any,
    ) -> UDF:
        """Give an instance of a UDF for a partition or the whole result; ``facts`` go to `UDFMeta`."""
        planned = self.udfs[index]
        udf = _again(planned.cls, planned.kwargs if changed is None else changed.kwargs[index])
        udf._memo = planned.memo if changed is None else planned.memo.current(changed.generation)
        count = self.region.size
        if partition is not None:
            start, stop = self.span(partition)
            count = stop - start
        bind_params(udf, self.dataset, partial(self.positions, partition))
        udf._meta = UDFMeta(
            dataset_shape=self.dataset.shape,
            dataset_dtype=self.dataset.dtype,
            region=self.region,
            corrections=self.corrections,
            input_dtype=planned.input_dtype,
            tiling_scheme=self.scheme,
            rows=self.rows if planned.method == "rows" else None,
            boxes_come_once=self.boxes_come_once,
            span=None if partition is None else self.span(partition),
            **facts,
        )
        sig = self.dataset.shape.sig
        udf._specs = udf.get_result_buffers()
        made_here = {name: spec for name, spec in udf._specs.items() if spec.use != "result_only"}
        udf._results = Views(
            {name: spec.allocate(count, sig) for name, spec in made_here.items()},
            unmade=() if partition is None else udf._specs.keys() - made_here.keys(),
        )
        return udf


def make_plan(
    dataset: DataSet,
    udfs: Sequence[UDF],
    region: Region,
    *,
    corrections: Corrections | None,
    executor: Executor,
) -> Plan:
    """Decide how a run happens.

    Raises
    ------
    UDFError
        If a UDF does not say how it gets data, or cannot compute with NumPy arrays.
    CorruptError, ParameterError
        If results at scan positions without a frame take more than a quarter of the memory.
    """
    asked = [_planned(udf, dataset, region, corrections) for udf in udfs]
    planned = tuple(item for item, *_ in asked)
    held = sum(one.held for *_, one, _ in asked)
    if each := sum(one.each for *_, one, _ in asked):
        check_results(dataset, region, each)
    dtypes = {item.input_dtype for item in planned}
    read_dtype = dtypes.pop() if len(dtypes) == 1 else _native(dataset, corrections)
    methods = {item.method for item in planned}
    in_place = methods == {"rows"} and (corrections is None or corrections.pixel_by_pixel)
    stored = dataset.stored_form if in_place else None
    wishes = [wish for _, wish, *_ in asked]
    share = max(wish.share for wish in wishes)
    as_it_lies = stored is not None and stored.bounds is None and corrections is None
    target = TILE_BYTES
    if one_call([udf for *_, udf in asked], [item.method for item in planned]):
        if as_it_lies and dataset.backend.zero_copy:
            target = LONE_TILE_BYTES if region.everything else DECODED_TILE_BYTES  # scattered frames are copied first
        elif as_it_lies and region.everything and not compile_queue.loaded:
            target = NUMPY_TILE_BYTES
        elif region.everything and not as_it_lies and corrections is None and share == 1:
            target = DECODED_TILE_BYTES
    elif stored is None:
        target = usual_target(dataset.hints)
    own = executor.calls_small and all(item.method == "rows" or is_quick(udf) for item, *_, udf in asked)
    small = own and is_small(dataset, region, as_stored=as_it_lies, effort=share)
    dear = 0 if "partition" in methods else held
    partitions = cut_scan(dataset, region, executor.workers, dear, transport=executor.transport, small=small)
    small = small or (own and len(partitions) == 1)
    cut: dict[str, Any] = {
        "itemsize": read_dtype.itemsize,
        "n_frames": max(len(partition) for partition in partitions),
        "wishes": wishes,
        "target": target,
    }
    if stored is None:
        scheme = negotiate(sig_shape=dataset.shape.sig, hints=dataset.hints, **cut)
    elif stored.bounds is None:
        scheme = negotiate(sig_shape=(dataset.shape.sig.size,), **cut)
    else:
        scheme = negotiate_blocks(stored.bounds, **cut)
    rows = None
    if "rows" in methods:
        if stored is None:
            rows = decoded_layout(scheme, dataset.shape.sig)
        else:
            rows = stored_layout(stored, scheme, corrected=corrections is not None)
    alone = small or executor.shares_memory
    return Plan(
        dataset,
        region,
        planned,
        scheme,
        read_dtype,
        corrections,
        partitions,
        rows,
        held,
        share_nbytes=selected_nbytes(dataset, region) // (1 if alone else max(1, executor.workers)),
        small=small,
    )


def _native(dataset: DataSet, corrections: Corrections | None) -> np.dtype[Any]:
    """Give the dtype of the data before anybody converts them; corrected data are floating point."""
    return dataset.dtype if corrections is None else np.result_type(dataset.dtype, np.float32)


def _planned(
    udf: UDF, dataset: DataSet, region: Region, corrections: Corrections | None
) -> tuple[PlannedUDF, TileWish, _Size, UDF]:
    """Give how a UDF gets data, how tiles should be for it, the size of its results, and an instance."""
    who = type(udf).__name__
    kwargs = {name: _plain(value) for name, value in udf._kwargs.items()}
    fresh = _again(type(udf), kwargs)
    bind_params(fresh, dataset, partial(region.positions, 0, region.n_positions))
    fresh._meta = UDFMeta(
        dataset_shape=dataset.shape, dataset_dtype=dataset.dtype, region=region, corrections=corrections
    )
    backends = fresh.get_backends()
    backends = (backends,) if isinstance(backends, str) else tuple(backends)
    if UDF.BACKEND_NUMPY not in backends:
        named = ", ".join(sorted(map(str, backends))) or "none"
        text = f"{who}.get_backends() names {named}: it computes with {named}; Lamella has NumPy arrays only"
        raise UDFError(f"{text}. Let get_backends() name 'numpy' as well, if the code can compute with NumPy arrays")
    method = fresh.get_method()
    if method not in _METHODS or not hasattr(fresh, f"process_{method}"):
        raise UDFError(f"{who}.get_method() gave {method!r}, which is not one of its process_* methods")
    preferred = np.bool_ if method == "rows" else fresh.get_preferred_input_dtype()
    wanted = np.result_type(_native(dataset, corrections), np.dtype(preferred))
    fresh._meta.input_dtype = wanted = np.dtype(wanted)
    return (
        PlannedUDF(type(udf), kwargs, method, wanted, fresh._memo),
        _wish(fresh, method),
        _Size.of(fresh.get_result_buffers().values(), dataset.shape.sig),
        fresh,
    )


def _wish(udf: UDF, method: Method) -> TileWish:
    preferences = udf.get_tiling_preferences()
    depth, size = preferences.get("depth"), preferences.get("total_size")
    return TileWish(
        "tile" if method == "rows" else method,
        _whole(depth),
        None if size is None or math.isinf(size) else int(size),
        int(preferences.get("share", 1)),
    )


def _whole(number: float | None) -> int | None:
    if number is None:
        return None
    return _UNBOUNDED if math.isinf(number) else int(number)


def bind_params(udf: UDF, dataset: DataSet, positions: Callable[[], range | NDArray[np.int64]]) -> None:
    """Show auxiliary data among the parameters of a UDF as arrays over the selected positions, if there are such."""
    nav, sig = dataset.shape.nav, dataset.shape.sig
    udf.params = Namespace(
        {
            name: value.part(nav, sig, positions()) if isinstance(value, AuxData) else value
            for name, value in udf._kwargs.items()
        }
    )


@contextmanager
def params_of(udf: UDF, start: int, stop: int) -> Iterator[None]:
    """Show, meanwhile, the part of auxiliary data over the scan that belongs to some of the selected positions."""
    along = [name for name, value in udf._kwargs.items() if isinstance(value, AuxData) and value.kind == "nav"]
    whole = udf.params
    if along:
        udf.params = Namespace({**whole, **{name: whole[name][start:stop] for name in along}})
    try:
        yield
    finally:
        udf.params = whole


def _again(cls: type[UDF], kwargs: Mapping[str, Any]) -> UDF:
    """Make a UDF from its parameters."""
    try:
        return cls(**kwargs)
    except TypeError as error:
        raise UDFError(
            f"{cls.__name__} cannot be made again from the parameters that it gave to super().__init__ "
            f"({', '.join(kwargs) or 'none'}): {error}"
        ) from error


def _plain(value: Any) -> Any:
    """Give a parameter as tasks take it: the result of an earlier run becomes auxiliary data."""
    return AuxData(value.data, value.spec) if isinstance(value, ResultBuffer) else value
