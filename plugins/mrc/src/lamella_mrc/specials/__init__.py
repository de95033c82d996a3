"""MRC files and movies that are not usual, and wrong ones, by topic, written without the reader."""

from lamella_mrc.specials.extended import extended_headers
from lamella_mrc.specials.headers import other_headers
from lamella_mrc.specials.movies import other_movies
from lamella_mrc.specials.pixels import other_pixels
from lamella_mrc.specials.wrong import wrong_headers, wrong_movies

__all__ = ["extended_headers", "other_headers", "other_movies", "other_pixels", "wrong_headers", "wrong_movies"]
