"""Streams that are not usual, and wrong ones, by topic, written without the reader."""

from lamella_tvips.specials.asked import as_the_user_says
from lamella_tvips.specials.scans import odd_positions, rotators
from lamella_tvips.specials.streams import odd_parts, other_headers
from lamella_tvips.specials.wrong import wrong_files

__all__ = ["as_the_user_says", "odd_parts", "odd_positions", "other_headers", "rotators", "wrong_files"]
