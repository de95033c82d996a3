"""Runs on a cluster of two hosts that are namespaces of this machine, and prints what came of it as JSON.

Started in network and mount namespaces of its own, as root: ``unshare --net --mount python two_hosts.py FOLDER``. Hosts
are called h1 and h2, and have the addresses 10.9.1.2 and 10.9.2.2.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import dask
import numpy as np
from distributed import Client
from numpy.typing import NDArray

import lamella
from lamella.udf import UDF
from lamella_dask import DaskExecutor

SCHEDULER = "tcp://10.9.1.1:8786"
TTL = 8
DATA = np.random.default_rng(3).integers(0, 4000, (8, 20, 8, 8)).astype(np.uint16)
NETWORK = """
mount -t tmpfs tmpfs /run
ip link set lo up
for h in 1 2; do
  ip netns add h$h
  ip link add v$h type veth peer name e$h
  ip link set e$h netns h$h
  ip addr add 10.9.$h.1/24 dev v$h
  ip link set v$h up
  ip netns exec h$h ip addr add 10.9.$h.2/24 dev e$h
  ip netns exec h$h ip link set e$h up
  ip netns exec h$h ip link set lo up
  ip netns exec h$h ip route add default via 10.9.$h.1
done
sysctl -qw net.ipv4.ip_forward=1
"""
NO_OVERRIDE = "setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-dac_override,-dac_read_search"
"""Takes away from root that modes of files mean nothing."""
DASK = "import sys; from distributed.cli.dask_{0} import main; sys.exit(main())"


class SlowSumUDF(UDF):
    """A sum for each position, in Python."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__(seconds=seconds)

    def get_result_buffers(self) -> Mapping[str, Any]:
        return {"sum": self.buffer("nav", dtype=np.int64)}

    def process_frame(self, frame: NDArray[Any]) -> None:
        time.sleep(self.params.seconds)
        self.results.sum[:] = frame.sum()


class Hosts:
    """The two hosts, with a scheduler before them."""

    def __init__(self, folder: Path) -> None:
        subprocess.run(["bash", "-e", "-c", NETWORK], check=True)
        self.folder = folder
        self.empty, self.elsewhere, self.scratch = (folder / name for name in ("empty", "elsewhere", "scratch"))
        for one in (self.empty, self.elsewhere, self.scratch):
            one.mkdir()
        self.data = folder / "data"
        self._scheduler: list[subprocess.Popen[bytes]] = []
        self._workers: list[subprocess.Popen[bytes]] = []
        settings = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": f"{TTL}s"}
        options = ["--host", "10.9.1.1", "--port", "8786", "--no-dashboard"]
        self._scheduler.append(self._started([], "scheduler", options, settings))

    def _started(
        self, inside: list[str], program: str, options: list[str], settings: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        command = [*inside, sys.executable, "-P", "-c", DASK.format(program), *options]
        with (self.folder / f"{program}.log").open("ab") as log:
            env = {**os.environ, **settings}
            return subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)

    def worker(self, host: int, mounts: str = "", rights: str = "", **settings: str) -> None:
        """Start a worker on a host, on which something is mounted first, with the rights that a program leaves it."""
        own = f'hostname h{host}; {mounts} exec {rights} "$@"'
        inside = ["ip", "netns", "exec", f"h{host}", "unshare", "--mount", "--uts", "bash", "-e", "-c", own, "bash"]
        options = [SCHEDULER, "--nthreads", "1", "--no-dashboard", "--local-directory", str(self.scratch)]
        self._workers.append(self._started(inside, "worker", options, settings))

    def link(self, host: int, state: str) -> None:
        """Cut the cable of a host (down) or restore it (up)."""
        subprocess.run(["ip", "link", "set", f"v{host}", state], check=True)

    def mounted(self, there: Path, here: Path) -> str:
        """Give the command that shows the content of one folder in another one."""
        return f"mount --bind '{there}' '{here}';"

    def end_workers(self, client: Client) -> None:
        """End all workers, and wait until the scheduler knows."""
        _end(self._workers)
        deadline = time.monotonic() + 20
        while client.nthreads() and time.monotonic() < deadline:
            time.sleep(0.1)

    def end(self) -> None:
        """End everything."""
        _end(self._workers)
        _end(self._scheduler)


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    """End processes with their children, which would begin again what ended."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    processes.clear()


def told(compute: Callable[[], Any]) -> dict[str, Any]:
    """Give what came of a run: whether it is right, or its error with notes, and how long it took."""
    began = time.monotonic()
    try:
        found = compute()["sum"].data
        outcome: dict[str, Any] = {"right": bool(np.array_equal(found, DATA.sum((2, 3))))}
    except lamella.LamellaError as error:
        outcome = {"error": f"{type(error).__name__}: {error}", "notes": list(getattr(error, "__notes__", ()))}
    return {**outcome, "seconds": round(time.monotonic() - began, 1)}


def main(folder: Path) -> dict[str, Any]:
    hosts = Hosts(folder)
    outcomes: dict[str, Any] = {}
    try:
        with dask.config.set({"distributed.comm.timeouts.connect": "20s"}), Client(SCHEDULER, timeout=30) as client:
            ds = lamella.open(hosts.data / "scan.npy", num_partitions=16)

            def run(seconds: float = 0.01, scan: lamella.DataSet = ds, **options: Any) -> dict[str, Any]:
                ctx = lamella.Context(executor=DaskExecutor(client, **options))
                return told(lambda: ctx.run_udf(scan, SlowSumUDF(seconds=seconds)))

            hosts.worker(1)
            hosts.worker(2, hosts.mounted(hosts.empty, hosts.data) + "mount -t tmpfs tmpfs /dev/shm;")
            client.wait_for_workers(2, timeout=60)
            outcomes["missing on one host"] = run()
            in_memory = lamella.open(DATA, format="memory", num_partitions=16)
            outcomes["array in memory"] = run(scan=in_memory)

            for name, data, modified in (
                ("other size on one host", DATA[:, :-1], 0),
                ("other time on one host", DATA, 10),
                ("a time that is rounded on one host", DATA, 1),
            ):
                hosts.end_workers(client)
                there = hosts.folder / name
                there.mkdir()
                np.save(there / "scan.npy", data)
                stat = (hosts.data / "scan.npy").stat()
                os.utime(there / "scan.npy", ns=(stat.st_atime_ns, stat.st_mtime_ns + modified * 10**9))
                hosts.worker(1)
                hosts.worker(2, hosts.mounted(there, hosts.data))
                client.wait_for_workers(2, timeout=60)
                outcomes[name] = run()

            hosts.end_workers(client)
            hosts.worker(1)
            hosts.worker(2, rights=NO_OVERRIDE)
            client.wait_for_workers(2, timeout=60)
            (hosts.data / "scan.npy").chmod(0)
            outcomes["unreadable on one host"] = run()
            (hosts.data / "scan.npy").chmod(0o644)

            hosts.end_workers(client)
            hosts.worker(1)
            moved = hosts.mounted(hosts.data, hosts.elsewhere) + hosts.mounted(hosts.empty, hosts.data)
            hosts.worker(2, moved, LAMELLA_PATHS=f"{hosts.data}={hosts.elsewhere}")
            client.wait_for_workers(2, timeout=60)
            outcomes["other mount point on one host"] = run()

            hosts.end_workers(client)
            for host in (1, 2):
                hosts.worker(host, moved)
            client.wait_for_workers(2, timeout=60)
            outcomes["other mount point on all hosts"] = run(paths={str(hosts.data): str(hosts.elsewhere)})
            outcomes["without paths"] = run()

            hosts.end_workers(client)
            for host in (1, 2):
                hosts.worker(host)
            client.wait_for_workers(2, timeout=60)
            timers = [threading.Timer(s, hosts.link, (2, state)) for s, state in ((0.5, "down"), (3.0, "up"))]
            for timer in timers:
                timer.start()
            outcomes["cut for a moment"] = run(0.02)
            for timer in timers:
                timer.join()

            cut = threading.Timer(0.5, hosts.link, (2, "down"))
            cut.start()
            outcomes["cut for good"] = run(0.02)
            cut.join()
            hosts.link(2, "up")
            client.wait_for_workers(1, timeout=60)
            outcomes["restored"] = run()
    finally:
        hosts.end()
    return outcomes


if __name__ == "__main__":
    place = Path(sys.argv[1])
    (place / "data").mkdir()
    np.save(place / "data" / "scan.npy", DATA)
    print(json.dumps(main(place)))
