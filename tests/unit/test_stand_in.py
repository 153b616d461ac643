"""A trial of another study that stands in for one: which of its figures may be compared here."""

from __future__ import annotations

import msgspec
import pytest

from ingestune_tui.model.trial import Latency
from ingestune_tui.tuning.planned import Planned, stand_in
from tests.unit.store_values import make_trial

LATENCY = Latency(p50=1.0, p95=2.0, p99=3.0, max=4.0, count=1000)
AT_A_RATE = {"latency": LATENCY, "end_to_end": LATENCY, "due_to_sent_p99_ms": 0.5, "rate": 1000.0}


@pytest.mark.parametrize("latency_too", [True, False])
def test_what_was_measured_at_another_rate_is_left_out_whole(latency_too: bool) -> None:
    stored = msgspec.structs.replace(
        make_trial("a study"), state="done", messages_per_s=5000.0, consumer_messages_per_s=4000.0, **AT_A_RATE
    )
    planned = Planned(stored.workload, "search", stored.configuration, 3, False, 2000.0, "m", "e")
    taken = stand_in(planned, stored, "another", 7, latency_too=latency_too)
    assert (taken.cached_from, taken.messages_per_s, taken.consumer_messages_per_s) == (stored.id, 5000.0, 4000.0)
    kept = {name: getattr(taken, name) for name in AT_A_RATE}
    assert kept == (AT_A_RATE if latency_too else dict.fromkeys(AT_A_RATE))
