"""Codecs: from stored bytes to pixels. Byte order and plain strides need none; see `lamella.source.Encoding`.

A codec decodes with NumPy while a process looks at some frames, and with compiled loops once it streams.
"""

from lamella.codecs.chips import GapCodec, QuadCodec
from lamella.codecs.codec import Codec, StorageOrder
from lamella.codecs.folding import FoldingCodec
from lamella.codecs.highlow import HighLowCodec
from lamella.codecs.packed import PackedCodec
from lamella.codecs.words import WordCodec

__all__ = [
    "Codec",
    "FoldingCodec",
    "GapCodec",
    "HighLowCodec",
    "PackedCodec",
    "QuadCodec",
    "StorageOrder",
    "WordCodec",
]
