"""Pictures of scans for web pages and notebooks: the element ``lamella-viewer``, and live computing behind it.

`static_folder` gives the JavaScript of the element; `lamella_viewer.live` computes what it shows. Neither knows who
carries messages between the two.
"""

from pathlib import Path

__all__ = ["static_folder"]


def static_folder() -> Path:
    """Give the folder of the JavaScript modules; a server offers it as it is."""
    return Path(__file__).parent / "static"
