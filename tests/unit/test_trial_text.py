"""What is said of one trial: the cause of client-bound in particular, since its remedy depends on it."""

from __future__ import annotations

import msgspec
import pytest

from ingestune_tui.model.trial import REMEDIES, Trial
from ingestune_tui.report.trial_text import flag_lines, why_lines
from tests.tui.fake_study import FakeStudy


@pytest.fixture(scope="module")
def trial() -> Trial:
    fake = FakeStudy(searched=2, pairs=2)
    fake.all()
    done = next(each for each in fake.trials if each.state == "done")
    return msgspec.structs.replace(done, flags=("client-bound",))


def with_signs(trial: Trial, busy: float | None, late_ms: float | None) -> Trial:
    assert trial.why is not None
    why = msgspec.structs.replace(trial.why, client_cpu=busy)
    return msgspec.structs.replace(trial, why=why, due_to_sent_p99_ms=late_ms)


FULL = "the sending thread was full, at 98 % of a core"
LATE = "messages were sent late, 3.20 ms after they were due (p99)"
SEEN_LATE = "acknowledgements waited in the client, far longer than its queue and the round trip explain"


@pytest.mark.parametrize(
    ("busy", "late_ms", "said"),
    [
        (0.98, 0.08, f"{FULL}: raise [workload] producers"),
        (0.71, 3.2, f"{LATE}: raise [workload] producers, or lower [objective] rate"),
        (0.98, 3.2, f"{FULL}, and {LATE}: raise [workload] producers"),
        (0.71, 0.08, f"{SEEN_LATE}: raise [workload] producers, or lower [objective] rate"),
        (None, None, REMEDIES["client-bound"]),
        (0.71, None, REMEDIES["client-bound"]),
    ],
)
def test_client_bound_says_which_of_its_signs_there_was(
    trial: Trial, busy: float | None, late_ms: float | None, said: str
) -> None:
    assert flag_lines(with_signs(trial, busy, late_ms)) == [f"⚠ client-bound: {said}"]


def test_the_signs_stand_among_the_reasons_of_every_trial(trial: Trial) -> None:
    assert why_lines(with_signs(trial, 0.98, 3.2))[-1].endswith(
        "retries 0 · sending thread 98 % of a core · sent 3.20 ms after due (p99)"
    )
