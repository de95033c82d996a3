"""Acquisitions of a pnCCD camera that are not usual, and wrong ones, by topic, written without the reader."""

from lamella_frms6.specials.corrections import corrected, other_dark_frames
from lamella_frms6.specials.headers import other_headers
from lamella_frms6.specials.incomplete import incomplete, parts_alone
from lamella_frms6.specials.wrong import wrong_files

__all__ = ["corrected", "incomplete", "other_dark_frames", "other_headers", "parts_alone", "wrong_files"]
