"""A plugin whose spec imports its reader."""

from wrong_readers.eager import reader

spec = reader.__name__
