"""The leaderboard of one message size of a study, as its view stands now.

Pure; for every screen that ranks or exports.
"""

from __future__ import annotations

from ingestune_tui.report.leaderboard import Board, leaderboard
from ingestune_tui.tui.study_view import StudyView


def board_of(view: StudyView, message_bytes: int) -> Board | None:
    """Its rows, ranked; None while no trial of that size is finished."""
    trials = [each.finished for each in view.of_workload(message_bytes) if each.finished is not None]
    if not trials:
        return None
    return leaderboard(
        trials,
        view.scoring.objective,
        outcome=view.outcome(message_bytes),
        leader=view.leading(message_bytes),
        baseline=view.baseline(message_bytes),
        predicted=view.predicted(message_bytes),
    )
