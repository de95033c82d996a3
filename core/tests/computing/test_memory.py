"""What a run needs beside the data does not depend on how large the data are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

MEASURE = """
import sys, threading, time
import lamella
from lamella.udf import CoMUDF, StdDevUDF, SumSigUDF, SumUDF

def anonymous():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))

ds = lamella.open(sys.argv[1], "raw", dtype="float32", sig_shape=(256, 256), nav_shape=(128, 64))
before = peak = anonymous()
done = False

def watch():
    global peak
    while not done:
        peak = max(peak, anonymous())
        time.sleep(0.0005)

watcher = threading.Thread(target=watch)
watcher.start()
udfs = {"std": [StdDevUDF()], "four": [StdDevUDF(), SumUDF(), SumSigUDF(), CoMUDF()]}[sys.argv[2]]
try:
    lamella.Context.make_with("threads", cpus=2).run_udf(ds, udfs)
finally:
    done = True
    watcher.join()
print((peak - before) / 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured by /proc")
@pytest.mark.parametrize("what", ["std", "four"])
def test_two_gigabytes_need_less_than_a_quarter(tmp_path: Path, what: str) -> None:
    path = tmp_path / "scan.raw"
    with path.open("wb") as file:
        file.truncate(2 << 30)
    child = subprocess.run([sys.executable, "-c", MEASURE, path, what], check=True, capture_output=True, text=True)
    assert float(child.stdout) < 256, "MiB over the interpreter's"
