"""How long does `ingestune sync` take for what waited? `python -m tests.bench.sync_waiting [--trials 10000]`

Trials with samples and histograms, written while no server was there, then sent at once to an empty PostgreSQL that
writes as durably as one in service, and compared row by row.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from ingestune_tui.model.trial import Trial
from ingestune_tui.secrets import Secret
from ingestune_tui.settings import SharedCopy
from ingestune_tui.storage.rows import (
    TRIAL_COLUMNS,
    configuration_body,
    histograms_body,
    pack_samples,
    trial_body,
    trial_row,
)
from ingestune_tui.storage.store import Store
from ingestune_tui.storage.sync import sync_once
from ingestune_tui.storage.verify import verify
from tests.integration.postgres_fixture import Server
from tests.unit.store_values import HISTOGRAMS, linger, make_samples, make_study, make_trial


async def fill(path: Path, trials: int) -> None:
    """A study of so many trials, all waiting."""
    study = make_study("waiting")
    async with await Store.open(path) as store:
        await store.create_study(study)
    write_trials(path, study.id, 1, trials)


def write_trials(path: Path, study_id: str, first: int, count: int, configurations: int = 50) -> None:
    """Trials of 16 s, a `configurations`-th of them alike."""
    numbers = range(first, first + count)
    insert_trials(path, (make_trial(study_id, at, configuration=linger(at % configurations)) for at in numbers))


def insert_trials(path: Path, trials: Iterable[Trial]) -> None:
    """These trials with samples and histograms, in one transaction: a commit for each would take minutes."""
    samples, histograms = pack_samples(make_samples(32)), histograms_body(HISTOGRAMS)
    connection = sqlite3.connect(path, timeout=30)
    with connection:
        for trial in trials:
            key, number = trial.configuration.hash, trial.number
            row = trial_row(trial, key, trial_body(trial), number)
            connection.execute(
                "insert or ignore into configuration (id, body, rev) values (?, ?, 1)",
                (key, configuration_body(trial.configuration)),
            )
            connection.execute(f"insert into trial ({TRIAL_COLUMNS}) values ({', '.join('?' * len(row))})", row)
            connection.execute("insert into series (id, body, rev) values (?, ?, ?)", (trial.id, samples, number))
            connection.execute("insert into histogram (id, body, rev) values (?, ?, ?)", (trial.id, histograms, number))
    connection.close()


async def measure(directory: Path, trials: int) -> bool:
    """Fill, send, compare; True when both sides are equal."""
    path = directory / "results.db"
    await fill(path, trials)
    with Server({"fsync": "on"}) as server:
        shared = SharedCopy(Secret(server.dsn()), False, "bench")
        started = time.monotonic()
        sent = await sync_once(path, shared)
        sent_s = time.monotonic() - started
        reports = await verify(path, shared)
        verified_s = time.monotonic() - started - sent_s
    equal = all(report.equal for report in reports)
    size_mb = path.stat().st_size / 1e6
    print(f"{trials} waiting trials, {sent.rows} rows, {size_mb:.0f} MB: sent in {sent_s:.1f} s,", end=" ")
    print(f"compared in {verified_s:.1f} s; equal: {equal}")
    return equal


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        sys.exit(0 if asyncio.run(measure(Path(directory), chosen.trials)) else 1)


if __name__ == "__main__":
    main()
