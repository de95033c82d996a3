"""Runs over sparse data without dense frames, where every UDF of the run can take events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lamella.dataset.rowlayout import decoded_layout
from lamella.dataset.tiling import TilingScheme
from lamella.geometry.shape import SigBox
from lamella.reader.events import EventSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella.dataset.partition import Tile
    from lamella.engine.plan import Plan
    from lamella.engine.steps import Step
    from lamella.udf.base import UDF, Method

__all__ = ["EventFeed", "prefer_events"]


def prefer_events(plan: Plan) -> Plan:
    """Give the plan for events if the data set has them and all UDFs take them, else the plan itself."""
    dataset = plan.dataset
    if not isinstance(dataset.source, EventSource) or plan.corrections is not None:
        return plan
    if not all(_willing(plan.make(i), planned.method) for i, planned in enumerate(plan.udfs)):
        return plan
    sig = dataset.shape.sig.to_tuple()
    longest = max(len(partition) for partition in plan.partitions)
    scheme = TilingScheme(longest, (SigBox.full(sig),), sig)
    return replace(plan, events=True, scheme=scheme, rows=decoded_layout(scheme, sig), read_dtype=dataset.dtype)


def _willing(udf: UDF, method: Method) -> bool:
    """Whether a UDF takes events; one that changes the work of its base class for pixels has to do so for events."""
    if not udf.takes_events():
        return False
    classes, names = type(udf).__mro__, (f"process_{method}", "process_events")
    dense, sparse = (next(i for i, one in enumerate(classes) if name in vars(one)) for name in names)
    return sparse <= dense


class EventFeed:
    """Gives the events of tiles to all UDFs of a run."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps

    def __call__(self, tile: Tile) -> None:
        for step in self._steps:
            step(tile.data, tile)
