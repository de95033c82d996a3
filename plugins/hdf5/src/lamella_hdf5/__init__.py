"""Lamella plugin: HDF5 files, and the many conventions of what is in them."""

from lamella.format import Capability, FormatSpec, Signature

__all__ = ["spec"]

spec = FormatSpec(
    name="hdf5",
    title="HDF5: NeXus, EMD, HyperSpy, DECTRIS master files",
    api=(1, 0),
    edition="2026.2",
    reader="lamella_hdf5.reader:Hdf5Reader",
    params="lamella_hdf5.params:Hdf5Params",
    extensions=("h5", "hdf5", "hspy", "nxs", "emd", "de5", "mat"),
    signatures=tuple(
        Signature(b"\x89HDF\r\n\x1a\n", offset)
        for offset in (0, 512, 1024, 2048, 4096, 8192)  # behind a user block
    ),
    capabilities=frozenset(
        {
            Capability.IO_BACKENDS,
            Capability.ZERO_COPY,
            Capability.SIG_RESHAPE,
            Capability.MULTI_FILE,
            Capability.CORRECTIONS,
            Capability.METADATA,
        }
    ),
    requires=("h5py",),
    url="https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html",
)
