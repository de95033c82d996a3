"""What Lamella has to know about Dask arrays before it imports Dask."""

from lamella.format import Capability, FormatSpec

__all__ = ["spec"]

spec = FormatSpec(
    name="dask",
    title="Dask array",
    api=(1, 0),
    edition="2026.2",
    reader="lamella_dask.formatreader:DaskReader",
    params="lamella_dask.formatparams:DaskParams",
    capabilities=frozenset({Capability.SIG_RESHAPE}),
    target="object",
)
