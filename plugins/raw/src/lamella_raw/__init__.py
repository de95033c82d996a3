"""Lamella plugin: headerless raw binary files."""

from lamella.format import Capability, FormatSpec

spec = FormatSpec(
    name="raw",
    title="Raw binary frames",
    api=(1, 0),
    edition="2026.2",
    reader="lamella_raw.reader:RawReader",
    params="lamella_raw.params:RawParams",
    extensions=("raw", "bin"),
    capabilities=frozenset(
        {Capability.IO_BACKENDS, Capability.ZERO_COPY, Capability.SIG_RESHAPE, Capability.TRUNCATED}
    ),
)
