"""The next trial waits where `bytes_on_disk` has no room for it beside what the broker is still deleting."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingestune_tui.kafka.local_broker import LocalKafka
from ingestune_tui.tuning.trial_loop import topic_stem
from tests.bench.disk_cap import size_of
from tests.integration.command import SHORT, Command, read_until

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

TRIAL_BYTES, CAP_BYTES = 4_000_000, 6_000_000
GRID = SHORT.replace('"60MB"', f"{TRIAL_BYTES}\nbytes_on_disk = {CAP_BYTES}")


@pytest.fixture
def ingestune(tmp_path: Path) -> Iterator[Command]:
    command = Command(tmp_path / "home")
    yield command
    command.end_all()


class Sampler(threading.Thread):
    """What the topics of a study hold on the broker's disk, those being deleted included: the most that was seen."""

    def __init__(self, data: Path, stem: str) -> None:
        super().__init__()
        self._data, self._stem = data, stem
        self.largest = 0
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.1):
            self.largest = max(self.largest, sum(size_of(folder) for folder in self._data.glob(f"{self._stem}*")))


@contextmanager
def sampled(data: Path, stem: str) -> Iterator[Sampler]:
    sampler = Sampler(data, stem)
    sampler.start()
    try:
        yield sampler
    finally:
        sampler.over.set()
        sampler.join()


def test_a_trial_waits_for_the_deletion_of_the_one_before_and_says_so(
    ingestune: Command, tmp_path: Path, local_broker: LocalKafka
) -> None:
    grid = tmp_path / "tight.toml"
    grid.write_text(GRID)
    study = ingestune.start("run", str(grid), "-b", local_broker.bootstrap, "--yes", "--json")
    (begun,) = [
        event for event in read_until(study, lambda event: event["event"] == "study_started") if "study_id" in event
    ]
    with sampled(local_broker.data_dirs[0], topic_stem("ingestune", begun["study_id"])) as sampler:
        said = read_until(study, lambda event: event["event"] == "trial_finished" and event["trial"] == 2)
    study.terminate()
    study.communicate(timeout=30)
    order = [event["event"] for event in said if event["event"].startswith(("trial_f", "study_", "trial_started"))]
    assert order == [
        "trial_started",
        "trial_finished",
        "study_paused",
        "study_resumed",
        "trial_started",
        "trial_finished",
    ]
    (waited,) = [event for event in said if event["event"] == "study_paused"]
    assert waited["reason"].startswith("waiting for the broker to free 3.")
    assert waited["reason"].endswith(" MB of deleted topics")
    assert 0 < waited["retry_in_s"] <= 6
    assert TRIAL_BYTES / 2 < sampler.largest <= CAP_BYTES
