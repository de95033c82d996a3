"""Series that are not usual, and wrong ones, by topic, written without the reader."""

from lamella_ser.specials.scans import other_scans
from lamella_ser.specials.settings import METADATA, other_settings
from lamella_ser.specials.wrong import wrong_files

__all__ = ["METADATA", "other_scans", "other_settings", "wrong_files"]
