"""One task: the UDFs of a run over one partition."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lamella.dataset.eventtiles import event_tiles
from lamella.engine.failures import exits_told, guarded
from lamella.engine.fusedstep import together
from lamella.engine.fusion import followers
from lamella.engine.sparse import EventFeed
from lamella.engine.steps import Feed, Step, Window, make_step
from lamella.errors import CancelledRun
from lamella.kernels.compilequeue import compile_queue
from lamella.udf.base import UDF
from lamella.udf.buffers import Arrays, Namespace

if TYPE_CHECKING:
    import numpy as np

    from lamella.dataset.partition import Partition, Tile
    from lamella.engine.plan import ChangedParams, Plan

__all__ = ["Task", "run_task"]


@dataclass(frozen=True, slots=True)
class Task:
    """A partition by its number, with the parameters of UDFs if they changed since the run began."""

    index: int
    changed: ChangedParams | None = None


def run_task(plan: Plan, task: Task, cancelled: Callable[[], bool]) -> tuple[Arrays, ...]:
    """Process one partition.

    Returns
    -------
    tuple of dict
        The buffers of each UDF; those of kind ``"nav"`` hold the selected positions of the partition.

    Raises
    ------
    UDFError
        If a UDF raises; says which one, where, and in which file.
    CancelledRun
        If ``cancelled()`` turns true.
    """
    partition = plan.partitions[task.index]
    if cancelled():
        raise CancelledRun(f"the run over {plan.dataset.name} was cancelled")
    compile_queue.announce(plan, plan.share_nbytes)
    udfs = [_prepared(plan, partition, i, task) for i in range(len(plan.udfs))]
    windows = [
        Window(udf, plan, partition, plan.rows if planned.method == "rows" else None)
        for udf, planned in zip(udfs, plan.udfs, strict=True)
    ]
    whole = [dict(vars(udf.results)) for udf in udfs]
    led = {} if plan.events else followers(udfs)
    feeds = _feeds(plan, partition, udfs, windows, led)
    tiles = _tiles(plan, partition)
    for tile in tiles:
        if cancelled():
            raise CancelledRun(f"the run over {plan.dataset.name} was cancelled")
        try:
            for feed in feeds:
                feed(tile)
        except Exception as error:
            tiles.throw(error)
            raise
    for window in windows:
        window.show_all()
    for i, udf in sorted(enumerate(udfs), key=lambda numbered: numbered[0] in led):
        for quantity in sorted(udf.needs) if i in led else ():
            values = guarded(led[i], "provide", plan.dataset, partition, quantity)
            guarded(udf, "take", plan.dataset, partition, quantity, values)
        guarded(udf, "postprocess", plan.dataset, partition)
    return tuple(whole)


def _tiles(plan: Plan, partition: Partition) -> Generator[Tile]:
    if plan.events:
        return event_tiles(partition, plan.region, plan.backend)
    return partition.tiles(
        plan.scheme,
        region=plan.region,
        dtype=plan.read_dtype,
        corrections=plan.corrections,
        backend=plan.backend,
        stored=None if plan.rows is None else plan.rows.stored,
    )


def _prepared(plan: Plan, partition: Partition, index: int, task: Task) -> UDF:
    with exits_told(plan.udfs[index].cls.__name__, plan.dataset):
        udf = plan.make(index, task.changed, partition)
    udf.task_data = Namespace(guarded(udf, "get_task_data", plan.dataset, partition))
    guarded(udf, "preprocess", plan.dataset, partition)
    return udf


def _feeds(
    plan: Plan, partition: Partition, udfs: list[UDF], windows: list[Window], led: dict[int, UDF]
) -> list[Feed] | list[EventFeed]:
    if plan.events:
        pairs = zip(udfs, windows, strict=True)
        return [EventFeed([make_step(udf, "events", window, plan, partition) for udf, window in pairs])]
    groups: dict[np.dtype[Any], list[Step]] = {}
    for i, (udf, window, planned) in enumerate(zip(udfs, windows, plan.udfs, strict=True)):
        if i not in led:
            step = make_step(udf, planned.method, window, plan, partition)
            groups.setdefault(planned.input_dtype, []).append(step)
    alone = len(udfs) == 1
    return [Feed(dtype, plan.read_dtype, together(steps), alone) for dtype, steps in groups.items()]
