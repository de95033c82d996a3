"""The reader is right; the spec beside it is not."""

from wrong_readers.toy_reader import ToyReader

Reader = ToyReader
