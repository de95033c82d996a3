"""The one thing that a format plugin implements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from lamella.reader.match import Match
    from lamella.reader.probe import Probe
    from lamella.reader.source import FrameSource, LinearSource

__all__ = ["Reader"]

P_contra = TypeVar("P_contra", contravariant=True)


class Reader(Protocol[P_contra]):
    """What a format plugin implements; stateless, made without arguments."""

    def detect(self, probe: Probe) -> Match | None:
        """Say how sure the reader is that it can open the target, or None if it cannot.

        Parameters
        ----------
        probe
            What the user named. The bytes are not trusted.
        """
        ...

    def open(self, params: P_contra, probe: Probe) -> LinearSource | FrameSource:
        """Describe the data; no bytes of frames are read yet.

        Parameters
        ----------
        params
            Parameters that were checked, an instance of the class that the `FormatSpec` names.
        probe
            What the user named.

        Raises
        ------
        FormatError
            If the file cannot be read, whatever its bytes are; no other error is raised about a file.
        ParameterError
            If the file does not allow what the user said.
        """
        ...
