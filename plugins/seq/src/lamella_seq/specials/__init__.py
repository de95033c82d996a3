"""Sequences that are not usual, and wrong ones, by topic, written without the reader."""

from lamella_seq.specials.halves import unusual_halves
from lamella_seq.specials.recordings import unusual
from lamella_seq.specials.sidecars import with_bad_pixels, with_references
from lamella_seq.specials.wrong import wrong_halves, wrong_headers, wrong_sidecars

__all__ = [
    "unusual",
    "unusual_halves",
    "with_bad_pixels",
    "with_references",
    "wrong_halves",
    "wrong_headers",
    "wrong_sidecars",
]
