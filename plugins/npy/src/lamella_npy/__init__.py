"""Lamella plugin: NumPy .npy files."""

from lamella.format import Capability, FormatSpec, Signature

spec = FormatSpec(
    name="npy",
    title="NumPy array file",
    api=(1, 0),
    edition="2026.2",
    reader="lamella_npy.reader:NpyReader",
    params="lamella_npy.params:NpyParams",
    extensions=("npy", "npz"),
    signatures=(Signature(b"\x93NUMPY"),),
    capabilities=frozenset(
        {Capability.IO_BACKENDS, Capability.ZERO_COPY, Capability.SIG_RESHAPE, Capability.TRUNCATED}
    ),
    url="https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html",
)
