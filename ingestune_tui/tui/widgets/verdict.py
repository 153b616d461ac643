"""A verdict as every screen draws it: its mark and loudness, what else was compared, what makes it doubtful. Pure."""

from __future__ import annotations

from ingestune_tui.model.study import Outcome
from ingestune_tui.report.wording import beside, unstable_text, verdict_text
from ingestune_tui.tui.widgets.rows import Row, Run, flowed

_ROLES = {"faster": "tuned", "slower": "bad", "unstable": "flag", "unconfirmed": "flag", "infeasible": "bad"}


def role_of(outcome: Outcome) -> str:
    """How loud it is."""
    return _ROLES.get(outcome.verdict, "strong")


def verdict_run(outcome: Outcome) -> Run:
    """`◆ 1.45x [1.39, 1.52] the baseline: faster`."""
    mark = {"faster": "◆ ", "slower": "✗ ", "unconfirmed": "△ " if outcome.winner else ""}.get(outcome.verdict, "")
    return mark + verdict_text(outcome), role_of(outcome)


def verdict_parts(outcome: Outcome) -> tuple[Run, ...]:
    """The verdict, then what else the pairs compared."""
    return (verdict_run(outcome), *((text, "label") for text in beside(outcome)))


def doubts(outcome: Outcome, width: int) -> tuple[Row, ...]:
    """What makes it doubtful, folded at `width` columns; no row where nothing does."""
    unstable = unstable_text([outcome])
    return flowed(((f"⚠ {unstable}", "flag"),), width) if unstable else ()
