"""Codecs: from stored bytes to pixels. Byte order and plain strides need none; see `lamella.source.Encoding`."""

from lamella.codecs.codec import Codec, StorageOrder

__all__ = ["Codec", "StorageOrder"]
