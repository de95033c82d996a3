"""Files of the EMPAD that are not usual, and wrong ones, by topic, written without the reader."""

from lamella_empad.specials.alone import without_sidecar
from lamella_empad.specials.layouts import layouts
from lamella_empad.specials.sidecars import odd_sidecars, sparse_sidecars
from lamella_empad.specials.wrong import wrong_files

__all__ = ["layouts", "odd_sidecars", "sparse_sidecars", "without_sidecar", "wrong_files"]
