"""Show the workers of a Dask cluster: hosts, memory limits, versions, who sees a file, and how fast it is read."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from lamella.cli import open_data
from lamella.errors import LamellaError, ParameterError

if TYPE_CHECKING:
    import argparse

    from lamella.cli import Console
    from lamella_dask.looking import Seen

__all__ = ["NEEDS_DATA", "OPENS_DATA", "configure", "run"]

OPENS_DATA = True
NEEDS_DATA = False

_PATIENCE = 60.0
"""How long a worker may be busy before its answer is not waited for any more [s]."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--scheduler", required=True, metavar="ADDRESS", help="address or file of a Dask scheduler")
    parser.add_argument(
        "--paths",
        action="append",
        default=[],
        metavar="HERE=THERE",
        help="where workers have files of a folder; may be repeated",
    )
    parser.add_argument(
        "--seconds", type=float, default=1.0, metavar="T", help="how long each measurement reads [default: 1]"
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Do it; the exit code is 1 if a worker has other versions, or cannot open the file."""
    from lamella_dask.executor import DaskExecutor
    from lamella_dask.remote import versions

    paths = _paths(args.paths)
    packed = None if args.file is None else pickle.dumps(open_data(args))
    executor = DaskExecutor(args.scheduler, paths=paths)
    try:
        seen = _ask(executor.client, packed, paths)
        if not seen:
            raise LamellaError(f"the Dask scheduler {args.scheduler} has no workers")
        console.table(*_table(seen))
        told = [text for address, one in seen.items() for text in _problems(address, one, versions())]
        rates: list[dict[str, Any]] = []
        if packed is not None and not told:
            rates = _rates(executor.client, list(seen), packed, paths, args.seconds)
            console.table(
                ("workers", "MiB/s together"), [(str(one["workers"]), f"{one['rate'] / 2**20:.0f}") for one in rates]
            )
        if told:
            console.complain(*told)
        console.emit({"workers": [_facts(address, one) for address, one in seen.items()], "rates": rates})
    finally:
        executor.close()
    return 1 if told else 0


def _paths(pairs: list[str]) -> dict[str, str]:
    paths = {}
    for pair in pairs:
        here, sign, there = pair.partition("=")
        if not (here and sign and there):
            raise ParameterError(f"expected HERE=THERE, such as /mnt/a=/data/a, found {pair!r}", field="paths")
        paths[here] = there
    return paths


def _ask(client: Any, packed: bytes | None, paths: dict[str, str]) -> dict[str, Seen | str]:
    """Ask each worker what it is; gives a text for those that do not answer."""
    from lamella_dask.looking import look

    asked = {address: _submit(client, address, look, packed, paths) for address in sorted(client.nthreads())}
    return {address: _answer(future) for address, future in asked.items()}


def _submit(client: Any, address: str, function: Any, *args: Any) -> Any:
    # Keeping a task at its worker means that it fails, and does not wait, when that is lost.
    return client.submit(function, *args, workers=[address], pure=False, priority=10)


def _answer(future: Any) -> Any:
    try:
        return future.result(timeout=_PATIENCE)
    except Exception as error:
        text = f"{type(error).__name__}: {error}".strip().rstrip(":")
        return f"gives no answer ({text})"


def _table(seen: dict[str, Seen | str]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    rows: list[tuple[str, ...]] = []
    for address, one in seen.items():
        if isinstance(one, str):
            rows.append(("?", address, "", one))
            continue
        limit = "none" if one.limit is None else f"{one.limit / 2**30:.1f} GiB"
        rows.append((one.host, address, limit, one.problem or one.path or ""))
    return ("host", "worker", "memory limit", "file"), rows


def _problems(address: str, one: Seen | str, here: dict[str, str]) -> list[str]:
    """Say what keeps a worker from being of use."""
    if isinstance(one, str):
        return [f"{address} {one}"]
    where = f"{address} on host {one.host}"
    told = [f"{where} cannot open the file: {one.problem}"] if one.problem else []
    there = {name: one.versions.get(name) for name in here}
    differ = [f"{name} {here[name]} here, {there[name]} there" for name in here if here[name] != there[name]]
    if differ:
        told.append(f"{where} has other versions: {'; '.join(differ)}")
    return told


def _rates(
    client: Any, addresses: list[str], packed: bytes, paths: dict[str, str], seconds: float
) -> list[dict[str, Any]]:
    """Measure how fast 1, 2, 4, ... and all workers read, each another part of the scan."""
    from lamella_dask.looking import measure

    counts = [1 << i for i in range(len(addresses).bit_length()) if 1 << i < len(addresses)] + [len(addresses)]
    rates = []
    for count in counts:
        asked = [
            _submit(client, address, measure, packed, paths, (i, count), seconds)
            for i, address in enumerate(addresses[:count])
        ]
        found = [_answer(future) for future in asked]
        wrong = [one for one in found if isinstance(one, str)]
        if wrong:
            raise LamellaError(f"a worker that should read {wrong[0]}")
        rates.append({"workers": count, "rate": sum(found)})
    return rates


def _facts(address: str, one: Seen | str) -> dict[str, Any]:
    if isinstance(one, str):
        return {"address": address, "problem": one}
    return {
        "address": address,
        "host": one.host,
        "process": one.process,
        "python": one.python,
        "memory limit": one.limit,
        "versions": one.versions,
        "path": one.path,
        "problem": one.problem,
    }
