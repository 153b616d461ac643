"""A grid many times in a row on one broker: what its data takes on disk, sampled, against the cap. Real Kafka.

    python -m tests.bench.disk_cap --runs 20 --directory /some/small/file/system

Prints the largest size seen in each run and whether the broker still answers. The cap is the grid's bytes_on_disk.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path


def size_of(directory: Path) -> int:
    """Bytes of all partition files under `directory`, those being deleted included."""
    total = 0
    for folder, _, files in os.walk(directory):
        for name in files:
            try:
                total += os.stat(os.path.join(folder, name)).st_blocks * 512
            except OSError:
                continue
    return total


class Sampler(threading.Thread):
    """Looks at the size ten times in three seconds, and keeps the largest."""

    def __init__(self, directory: Path) -> None:
        super().__init__(daemon=True)
        self.directory = directory
        self.largest = 0
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.3):
            self.largest = max(self.largest, size_of(self.directory))


def main() -> int:
    """Run, print, and return 1 when the cap was passed or the broker died."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--grid", default="grids/quick.toml")
    parser.add_argument("--directory", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--cap-gb", type=float, default=20.0)
    given = parser.parse_args()
    data = given.directory / f"disk-cap-{os.getpid()}"
    ingestune = [sys.executable, "-m", "ingestune_tui"]
    environment = os.environ | {"INGESTUNE_HOME": tempfile.mkdtemp()}
    broker = subprocess.Popen(
        [*ingestune, "broker", "--data-dir", str(data)], stdout=subprocess.PIPE, env=environment, text=True
    )
    assert broker.stdout is not None
    address = broker.stdout.readline().strip()
    worst = 0
    try:
        for run in range(1, given.runs + 1):
            sampler = Sampler(data)
            sampler.start()
            began = time.monotonic()
            done = subprocess.run(
                [*ingestune, "run", given.grid, "-b", address, "--yes", "--fresh"],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            sampler.over.set()
            sampler.join()
            worst = max(worst, sampler.largest)
            lives = broker.poll() is None
            print(
                f"run {run:>2}: exit {done.returncode}, {time.monotonic() - began:.0f} s, at most "
                f"{sampler.largest / 1e9:.2f} GB on disk, broker {'lives' if lives else 'DIED'}",
                flush=True,
            )
            if done.returncode or not lives:
                print(done.stderr[-2000:])
                return 1
    finally:
        broker.terminate()
        broker.wait(30)
    print(f"largest {worst / 1e9:.2f} GB, cap {given.cap_gb:g} GB")
    return int(worst > given.cap_gb * 1e9)


if __name__ == "__main__":
    sys.exit(main())
