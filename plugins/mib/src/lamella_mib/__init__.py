"""Lamella plugin: Quantum Detectors Merlin (Medipix3) files."""

from lamella.format import Capability, FormatSpec, Signature

spec = FormatSpec(
    name="mib",
    title="Quantum Detectors Merlin (Medipix3)",
    api=(1, 0),
    edition="2026.2",
    reader="lamella_mib.reader:MibReader",
    params="lamella_mib.params:MibParams",
    extensions=("mib", "hdr"),
    signatures=(Signature(b"MQ1,"), Signature(b"HDR,")),
    capabilities=frozenset(
        {
            Capability.IO_BACKENDS,
            Capability.ZERO_COPY,
            Capability.SIG_RESHAPE,
            Capability.TRUNCATED,
            Capability.MULTI_FILE,
            Capability.METADATA,
            Capability.CORRECTIONS,
        }
    ),
    url="https://hyperspy.org/rosettasciio/supported_formats/quantumdetector.html",
)
