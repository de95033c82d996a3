"""The public module for authors of codecs: from stored bytes to pixels.

Byte order and plain strides need no codec; see `lamella.reader.Encoding`. A codec decodes with NumPy while a process
looks at some frames, and with compiled loops once it streams.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella.system.lazy import lazy_names

if TYPE_CHECKING:
    from lamella.codecs.chips import GapCodec as GapCodec, QuadCodec as QuadCodec
    from lamella.codecs.codec import Codec as Codec, StorageOrder as StorageOrder
    from lamella.codecs.folding import FoldingCodec as FoldingCodec
    from lamella.codecs.highlow import HighLowCodec as HighLowCodec
    from lamella.codecs.packed import PackedCodec as PackedCodec, unpack as unpack
    from lamella.codecs.words import WordCodec as WordCodec
    from lamella.kernels.builtin import spread_events as spread_events
    from lamella.kernels.library import Kernel as Kernel

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "lamella.codecs.codec": "Codec StorageOrder",
        "lamella.codecs.chips": "GapCodec QuadCodec",
        "lamella.codecs.folding": "FoldingCodec",
        "lamella.codecs.highlow": "HighLowCodec",
        "lamella.codecs.packed": "PackedCodec unpack",
        "lamella.codecs.words": "WordCodec",
        "lamella.kernels.library": "Kernel",
        "lamella.kernels.builtin": "spread_events",
    },
)
