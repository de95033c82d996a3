"""Lamella plugin: sparse frames in CSR layout, three arrays described by a TOML file."""

from lamella.format import Capability, FormatSpec

__all__ = ["spec"]

spec = FormatSpec(
    name="raw_csr",
    title="Sparse frames in CSR layout",
    api=(1, 0),
    edition="2026.2",
    reader="lamella_raw_csr.reader:RawCsrReader",
    params="lamella_raw_csr.params:RawCsrParams",
    extensions=("toml",),
    capabilities=frozenset({Capability.IO_BACKENDS, Capability.SIG_RESHAPE, Capability.MULTI_FILE}),
)
