"""Lamella plugin: TVIPS EM-Menu and EM-Scan recorder streams."""

from lamella.format import Capability, FormatSpec, Signature

__all__ = ["spec"]

spec = FormatSpec(
    name="tvips",
    title="TVIPS EM-Menu recorder stream",
    api=(1, 0),
    edition="2026.2",
    reader="lamella_tvips.reader:TvipsReader",
    params="lamella_tvips.params:TvipsParams",
    extensions=("tvips",),
    signatures=(Signature(b"\x00\x01\x00\x00\x01\x00\x00\x00"), Signature(b"\x00\x01\x00\x00\x02\x00\x00\x00")),
    capabilities=frozenset(
        {
            Capability.IO_BACKENDS,
            Capability.ZERO_COPY,
            Capability.SIG_RESHAPE,
            Capability.TRUNCATED,
            Capability.MULTI_FILE,
            Capability.METADATA,
        }
    ),
    url="https://hyperspy.org/rosettasciio/supported_formats/tvips.html",
)
