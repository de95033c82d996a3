"""Lamella plugin: NanoMEGAS ASTAR block files."""

from lamella.format import Capability, FormatSpec, Signature

spec = FormatSpec(
    name="blo",
    title="NanoMEGAS ASTAR block file",
    api=(1, 0),
    edition="2026.2",
    reader="lamella_blo.reader:BloReader",
    params="lamella_blo.params:BloParams",
    extensions=("blo",),
    signatures=(Signature(b"IMGBLO"),),
    capabilities=frozenset(
        {
            Capability.IO_BACKENDS,
            Capability.ZERO_COPY,
            Capability.SIG_RESHAPE,
            Capability.TRUNCATED,
            Capability.METADATA,
        }
    ),
    url="https://hyperspy.org/rosettasciio/supported_formats/blockfile.html",
)
