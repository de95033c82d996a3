"""Lamella plugin: Norpix StreamPix sequences, Direct Electron recordings."""

from lamella.format import Capability, FormatSpec, Signature

__all__ = ["spec"]

spec = FormatSpec(
    name="seq",
    title="Norpix StreamPix sequence",
    api=(1, 0),
    edition="2026.2",
    reader="lamella_seq.reader:SeqReader",
    params="lamella_seq.params:SeqParams",
    extensions=("seq",),
    signatures=(Signature(b"\xed\xfe\x00\x00"),),
    capabilities=frozenset(
        {
            Capability.IO_BACKENDS,
            Capability.ZERO_COPY,
            Capability.SIG_RESHAPE,
            Capability.TRUNCATED,
            Capability.MULTI_FILE,
            Capability.CORRECTIONS,
            Capability.METADATA,
        }
    ),
    requires=("defusedxml",),
    url="https://github.com/soft-matter/pims/blob/main/pims/norpix_reader.py",
)
