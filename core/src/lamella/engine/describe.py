"""What a UDF would do with a data set, told before it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamella.engine.plan import make_plan
from lamella.geometry.roi import region_of
from lamella.system.text import fitting, html_text, printable

if TYPE_CHECKING:
    from lamella.dataset.dataset import DataSet
    from lamella.executors.executor import Executor
    from lamella.udf.base import UDF

__all__ = ["UDFDescription", "describe"]


@dataclass(frozen=True, slots=True)
class UDFDescription:
    """Facts about a UDF on a data set, and a row (name, kind, extra shape, shape, dtype, use) for each buffer."""

    name: str
    facts: tuple[tuple[str, str], ...]
    buffers: tuple[tuple[str, ...], ...]

    _COLUMNS = ("name", "kind", "extra shape", "shape", "dtype", "use")

    def __repr__(self) -> str:
        lines = [f"<{self.name}>"]
        lines += [f"  {name:<16}  {printable(value)}" for name, value in self.facts]
        lines += ["  " + "  ".join(map(printable, row)) for row in (self._COLUMNS, *self.buffers)]
        return "\n".join(fitting(lines))

    def _repr_html_(self) -> str:
        facts = "".join(f"<tr><th>{html_text(name)}</th><td>{html_text(value)}</td></tr>" for name, value in self.facts)
        head = "".join(f"<th>{name}</th>" for name in self._COLUMNS)
        rows = "".join(f"<tr>{''.join(f'<td>{html_text(cell)}</td>' for cell in row)}</tr>" for row in self.buffers)
        return f"<h4>{html_text(self.name)}</h4><table>{facts}</table><table><tr>{head}</tr>{rows}</table>"


def describe(dataset: DataSet, udf: UDF, roi: object, executor: Executor) -> UDFDescription:
    """Give how a UDF would run."""
    region = region_of(roi, dataset.shape.nav)
    plan = make_plan(dataset, [udf], region, corrections=dataset.corrections, executor=executor)
    fresh = plan.make(0)
    preferred, input_dtype = fresh.get_preferred_input_dtype(), plan.udfs[0].input_dtype
    facts = (
        ("method", plan.udfs[0].method),
        (
            "preferred dtype",
            str(preferred if isinstance(preferred, str) else getattr(preferred, "__name__", preferred)),
        ),
        ("input dtype", str(input_dtype)),
        ("tiles", f"{plan.scheme.shape}, {len(plan.scheme)} per frame"),
        ("partitions", str(len(plan.partitions))),
        ("scan positions", str(region.size)),
    )
    buffers = tuple(
        (
            name,
            spec.kind,
            str(spec.extra_shape),
            str(spec.shape(region.size, dataset.shape.sig.to_tuple())),
            str(spec.dtype),
            spec.use or "",
        )
        for name, spec in fresh.get_result_buffers().items()
    )
    return UDFDescription(type(udf).__name__, facts, buffers)
