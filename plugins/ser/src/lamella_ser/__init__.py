"""Lamella plugin: FEI/Thermo Fisher TIA series."""

from lamella.format import Capability, FormatSpec, Signature

__all__ = ["spec"]

spec = FormatSpec(
    name="ser",
    title="FEI/Thermo Fisher TIA series",
    api=(1, 0),
    edition="2026.2",
    reader="lamella_ser.reader:SerReader",
    params="lamella_ser.params:SerParams",
    extensions=("ser", "emi"),
    signatures=(Signature(b"II\x97\x01"),),
    capabilities=frozenset(
        {
            Capability.IO_BACKENDS,
            Capability.ZERO_COPY,
            Capability.SIG_RESHAPE,
            Capability.TRUNCATED,
            Capability.METADATA,
        }
    ),
)
