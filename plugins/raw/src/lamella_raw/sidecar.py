"""The file that makes a raw file recognisable: TOML beside it, with the parameters to open it with.

For ``scan.raw`` it is called ``scan.raw.toml`` or ``scan.toml``, and can be opened itself::

    [params]
    filetype = "raw"
    path = "scan.raw"  # only where the name does not say it
    dtype = "<u2"
    sig_shape = [256, 256]
    nav_shape = [128, 128]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lamella.errors import CorruptError
from lamella.reader import Caution, Probe, Resource, decoded_text

_LARGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Sidecar:
    """Where the sidecar is, what it states as the name of its data file, None for nothing, and the parameters."""

    path: Path
    data: object
    params: Mapping[str, object]

    def data_file(self, probe: Probe) -> Path:
        """Give the data file, which must lie in the folder of the sidecar.

        Raises
        ------
        CorruptError
            If it does not.
        """
        name = self.data if self.data is not None else self.path.stem
        data = probe.sibling(name) if isinstance(name, str) else None
        if data is None or data == self.path:
            raise CorruptError(
                "the sidecar names a data file that is not in its folder",
                path=self.path,
                found=repr(name),
                remedy='Put both into one folder and write path = "NAME" without a folder',
            )
        return data


def find_sidecar(probe: Probe) -> Sidecar | None:
    """Give the sidecar that was opened itself, or that describes the file that was opened."""
    assert probe.path is not None, "the format is one of files"
    if probe.suffix == "toml":
        return _read(probe.path)
    for name in (f"{probe.path.name}.toml", f"{probe.stem}.toml"):
        path = probe.sibling(name)
        sidecar = None if path is None else _read(path)
        if sidecar is not None and sidecar.data in (None, probe.path.name):
            return sidecar
    return None


def unread_sidecars(probe: Probe) -> tuple[str, ...]:
    """Warn of files beside a raw file that have the name of its sidecar and cannot be read as one."""
    assert probe.path is not None
    if probe.suffix == "toml":
        return ()
    found = [path for name in (f"{probe.path.name}.toml", f"{probe.stem}.toml") if (path := probe.sibling(name))]
    return tuple(Caution(f"{path.name} is left out: {why}") for path in found if (why := _why_unread(path)) is not None)


def _why_unread(path: Path) -> str | None:
    content = Resource.of(path).read(0, _LARGEST + 1)
    if len(content) > _LARGEST:
        return f"it is longer than {_LARGEST} bytes"
    import tomllib  # seldom needed

    try:
        tomllib.loads(decoded_text(content))
    except (ValueError, RecursionError) as error:
        return f"it is not TOML ({error})"
    return None


def _read(path: Path) -> Sidecar | None:
    import tomllib  # seldom needed, and every file of no signature comes this way

    content = Resource.of(path).read(0, _LARGEST + 1)
    try:
        table = tomllib.loads(decoded_text(content)).get("params") if len(content) <= _LARGEST else None
        repr(table)  # fails where a number is too long to be told; those of TOML have 64 bits
    except (ValueError, RecursionError):
        return None
    if not isinstance(table, dict) or table.get("filetype") != "raw":
        return None
    return Sidecar(path, table.get("path"), {key: table[key] for key in table if key not in ("filetype", "path")})
