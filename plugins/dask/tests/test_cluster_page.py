"""The guide "Use a cluster": its recipes run on clusters of this computer, and `lamella workers` says what is wrong."""

from __future__ import annotations

import json
import pickle
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import Client, LocalCluster, get_worker
from distributed.security import Security

import lamella
from lamella.cli.app import main
from lamella_dask import DaskExecutor
from lamella_dask.looking import Seen, measure

pytestmark = pytest.mark.usefixtures("in_time")

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "use-a-cluster.md"
BLOCK = re.compile(r"<!-- executed by: plugins/dask/tests/test_cluster_page\.py -->\n```(\w+)\n(.*?)^```$", re.S | re.M)
OPTIONS: dict[str, Any] = {
    "dashboard_address": "127.0.0.1:0",
    "silence_logs": 50,
    "processes": False,
    "threads_per_worker": 1,
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=2, **OPTIONS) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    np.save(tmp_path / "scan.npy", np.ones((8, 8, 16, 16), np.uint16))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_recipes_of_the_page_run(cluster: LocalCluster, folder: Path) -> None:
    blocks = [(kind, text) for kind, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")) if "tls" not in text]
    assert [kind for kind, _ in blocks] == ["python"] * 4 + ["console"]
    known: dict[str, Any] = {"lamella": lamella, "ds": lamella.open("scan.npy"), "__name__": "__main__"}
    with Client(cluster):
        for kind, text in blocks:
            code = text.replace("tcp://10.0.0.1:8786", cluster.scheduler_address)
            code = code.replace('make_with("dask", cpus=2)', 'make_with("threads", cpus=2)')  # others start clusters
            if kind == "python":
                exec(compile(code, str(PAGE), "exec"), known)
                known["total"]["intensity"].data.sum()
            else:
                assert main([*code.split()[1:], "--seconds", "0.05"]) == 0


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the keys")
def test_so_does_the_one_with_tls(folder: Path) -> None:
    command = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out ca.pem -days 2 -subj /CN=localhost"
    subprocess.run(command.split(), check=True, capture_output=True)
    Path("client.pem").write_bytes(Path("key.pem").read_bytes() + Path("ca.pem").read_bytes())
    roles = ("scheduler", "worker", "client")
    files = {f"tls_{role}_{what}": "client.pem" for role in roles for what in ("cert", "key")}
    own = Security(tls_ca_file="ca.pem", require_encryption=True, **files)
    (text,) = [text for _, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")) if "tls" in text]
    with LocalCluster(n_workers=1, protocol="tls://", security=own, **OPTIONS) as made:
        known: dict[str, Any] = {"lamella": lamella, "DaskExecutor": DaskExecutor}
        exec(text.replace("tls://10.0.0.1:8786", made.scheduler_address), known)
        assert made.scheduler_address.startswith("tls://")
        assert list(known["ctx"].executor.map(abs, [-1, 2])) == [1, 2]
        known["client"].close()


def workers(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any, str]:
    code = main(["workers", *words, "--json"])
    out, err = capsys.readouterr()
    return code, json.loads(out), err


def test_the_command_shows_workers_and_how_fast_they_read(
    cluster: LocalCluster, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found, _ = workers(capsys, "--scheduler", cluster.scheduler_address, "scan.npy", "--seconds", "0.05")
    assert code == 0
    assert [one["path"] for one in found["workers"]] == [str(folder / "scan.npy")] * 2
    assert [one["workers"] for one in found["rates"]] == [1, 2]
    assert all(one["rate"] > 0 for one in found["rates"])
    assert main(["workers", "--scheduler", cluster.scheduler_address]) == 0
    out, _ = capsys.readouterr()
    assert len(re.findall(r"inproc://|tcp://", out)) == 2


def test_rates_are_shown_in_mebibytes(
    cluster: LocalCluster, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lamella_dask.looking.measure", lambda *_: 1000 * 2.0**20)
    assert main(["workers", "--scheduler", cluster.scheduler_address, "scan.npy"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["1", "1000"] in lines
    assert ["2", "2000"] in lines


def test_ever_more_workers_read_together(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with LocalCluster(n_workers=5, **OPTIONS) as made:
        code, found, _ = workers(capsys, "--scheduler", made.scheduler_address, "scan.npy", "--seconds", "0.01")
    assert (code, [one["workers"] for one in found["rates"]]) == (0, [1, 2, 4, 5])


@pytest.mark.parametrize(("count", "stretch", "most"), [(1, 6144, 3), (2, 6144, 3), (3, 6144, 3), (2, 100, 1)])
def test_workers_read_parts_of_their_own_again_and_again(
    monkeypatch: pytest.MonkeyPatch, count: int, stretch: int, most: int
) -> None:
    asked: list[int] = []
    lengths: list[int] = []

    class Scan:
        shape, nbytes = (20, 8, 16, 16), 20 * 8 * 16 * 16

        def read(self, rows: slice) -> np.ndarray[Any, Any]:
            asked.extend(range(rows.start, rows.stop))
            lengths.append(rows.stop - rows.start)
            return np.zeros(1 << 20, np.uint8)

    monkeypatch.setattr("lamella_dask.looking._opened", lambda *_: Scan())
    monkeypatch.setattr("lamella_dask.looking._STRETCH", stretch)
    parts = []
    for number in range(count):
        asked.clear()
        before = len(lengths)
        rate = measure(b"", {}, (number, count), 0.02)
        assert 0.02 <= (len(lengths) - before) * 2**20 / rate < 10  # the seconds that it took
        part = range(20 * number // count, 20 * (number + 1) // count)
        assert asked[: len(part)] == list(part)
        assert asked[len(part) :][:3] == list(part)[:3]
        parts.append(set(asked))
    assert sorted(row for part in parts for row in part) == list(range(20))
    assert max(lengths) == most
    assert min(lengths) > 0


@pytest.mark.parametrize(("limit", "shown"), [(3 << 29, ["1.5", "GiB"]), (None, ["none"])])
def test_each_worker_is_asked_itself_and_shown_with_host_limit_and_file(
    cluster: LocalCluster,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    limit: int | None,
    shown: list[str],
) -> None:
    def seen(packed: bytes, paths: Any) -> Seen:
        worker: Any = get_worker()
        return Seen(host="node7", limit=limit, path=f"/data/of {worker.address}")

    monkeypatch.setattr("lamella_dask.looking.look", seen)
    assert main(["workers", "--scheduler", cluster.scheduler_address, "scan.npy", "--seconds", "0.01"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for address in cluster.scheduler_info["workers"]:
        assert ["node7", address, *shown, "/data/of", address] in [line.split() for line in lines]


def test_a_worker_that_gives_no_answer_is_named(
    cluster: LocalCluster, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lamella_dask.looking.look", unable)
    code, found, err = workers(capsys, "--scheduler", cluster.scheduler_address, "scan.npy")
    assert code == 1
    assert [one["problem"] for one in found["workers"]] == ["gives no answer (MemoryError: no room)"] * 2
    assert err.count("gives no answer (MemoryError: no room)") == 2
    assert found["rates"] == []


def unable(packed: bytes, paths: Any) -> None:
    raise MemoryError("no room")


@pytest.mark.parametrize("number", range(5))
def test_more_workers_than_rows_read_a_row_each(folder: Path, number: int) -> None:
    np.save("two.npy", np.ones((2, 8, 16, 16), np.uint16))
    assert measure(pickle.dumps(lamella.open("two.npy")), {}, (number, 5), 0.01) > 0


def test_a_scheduler_is_found_by_an_address_of_any_form_and_by_its_file(folder: Path) -> None:
    with LocalCluster(n_workers=1, protocol="tcp://", **OPTIONS) as made:
        address = made.scheduler_address
        (folder / "scheduler.json").write_text(json.dumps(made.scheduler.identity()), encoding="utf-8")
        for where in (address, address.removeprefix("tcp://"), "scheduler.json", folder / "scheduler.json"):
            with closing(DaskExecutor(where)) as executor:
                assert executor.client.scheduler_info()["address"] == address


def test_the_command_says_which_worker_cannot_open_the_file(
    cluster: LocalCluster, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--scheduler", cluster.scheduler_address, "scan.npy", "--paths", f"{folder}={folder / 'elsewhere'}")
    code, found, err = workers(capsys, *words)
    assert code == 1
    assert "elsewhere" in found["workers"][0]["problem"]
    assert err.count("cannot open the file") == 2
    assert main(["workers", "--scheduler", cluster.scheduler_address, "--paths", "nothing"]) != 0
    assert "HERE=THERE" in capsys.readouterr().err


def test_the_command_says_that_there_are_no_workers(capsys: pytest.CaptureFixture[str]) -> None:
    with LocalCluster(n_workers=0, **OPTIONS) as empty:
        code = main(["workers", "--scheduler", empty.scheduler_address])
        assert code not in (0, None)
        assert f"the Dask scheduler {empty.scheduler_address} has no workers" in capsys.readouterr().err


def test_the_command_wants_a_scheduler(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["workers"]) == 2
    assert "--scheduler" in capsys.readouterr().err


def test_the_command_says_which_versions_differ(
    cluster: LocalCluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lamella_dask.remote.versions", lambda: {"lamella": "0.0.1", "numpy": np.__version__})
    code, _, err = workers(capsys, "--scheduler", cluster.scheduler_address)
    assert code == 1
    assert err.count("has other versions: lamella 0.0.1 here") == 2
    assert "numpy" not in err


FEW = """
from lamella.cli import commoncalls, compileahead

def serve(*files):
    usual = list(commoncalls.common_calls())
    commoncalls.common_calls = lambda: iter(usual[:2])
    compileahead.serve(*files)
"""


def test_each_host_compiles_once(
    cluster: LocalCluster, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba")
    (folder / "few.py").write_text(FEW)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr("lamella.cli.compileahead._CHILD", "few:serve")
    monkeypatch.setenv("LAMELLA_PATHS", f"{folder / 'elsewhere'}={folder}")
    words = ["warm", "--scheduler", cluster.scheduler_address, "--json"]
    assert main(words) == 0
    (host,) = json.loads(capsys.readouterr().out)["hosts"]
    assert (host["kernels"], host["problem"]) == (2, "")
    assert Path(host["folder"]).is_dir()
    assert main([*words, str(folder / "elsewhere" / "none.npy")]) == 1
    out, err = capsys.readouterr()
    assert str(folder / "none.npy") in json.loads(out)["hosts"][0]["problem"]
    assert f"host {host['host']}: " in err
