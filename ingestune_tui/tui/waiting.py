"""Why a study stands still, and when it goes on by itself: in words, with a countdown. Pure: the caller has the clock.

The person's pause has no end; waiting for a broker or for disk has one, and is looked at again then.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestune_tui.model.events import StudyPaused


def is_waiting(paused: StudyPaused) -> bool:
    """True when it goes on by itself; False when the person has to say so."""
    return paused.retry_in_s is not None


def reason_text(paused: StudyPaused) -> str:
    """`paused by you`, or what is waited for: `waiting: no broker answers`."""
    if not is_waiting(paused):
        return "paused by you"
    reason = " ".join(paused.reason.split())
    return reason if reason.startswith("waiting") else f"waiting: {reason}"


def retry_text(paused: StudyPaused, now: datetime) -> str:
    """`retrying in 8 s, 3rd time`; empty for a pause that only the person ends."""
    if paused.retry_in_s is None:
        return ""
    left = seconds_left(paused, now)
    when = f"in {left} s" if left else "now"
    return f"retrying {when}, {_nth(paused.attempt)} time" if paused.attempt else f"going on {when}"


def seconds_left(paused: StudyPaused, now: datetime) -> int:
    """Whole seconds until it is looked at again, 0 when that is due. Clocks that differ move it no further."""
    whole = paused.retry_in_s or 0.0
    try:
        passed = (now - datetime.fromisoformat(paused.time)).total_seconds()
    except ValueError:
        passed = 0.0
    return math.ceil(min(whole, max(0.0, whole - passed)))


def _nth(number: int) -> str:
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in (11, 12, 13) else 0, "th")
    return f"{number}{suffix}"
