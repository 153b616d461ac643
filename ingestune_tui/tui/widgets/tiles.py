"""The figures of the trial at work, in one row or, where there is room, with a label above each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ingestune_tui.report.wording import count_text, figure_text
from ingestune_tui.tui.trial_view import TrialView
from ingestune_tui.tui.widgets.rows import Row, Rows, Run

_FIRST_TO_GO = ("messages", "backlog")
"""Dropped in this order; errors are never."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure."""

    label: str
    value: str
    unit: str = ""
    role: str = "strong"


def tiles_of(trial: TrialView | None) -> tuple[Tile, ...]:
    """The five figures of a trial; dashes before there is one."""
    if trial is None:
        return tuple(Tile(label, "—", role="label") for label in ("throughput", "messages", "p99", "backlog", "errors"))
    rate = trial.rate
    role = "now" if trial.rate_counts else "label"
    over = trial.stage in ("drain", "paced", "finish") or (
        trial.finished is not None and trial.finished.state == "done"
    )
    kept = " ✓" if over and rate is not None else ""
    failed = trial.finished is not None and trial.finished.state in ("failed", "infeasible")
    return (
        Tile(
            "throughput" if trial.rate_counts else "warming up",
            figure_text(rate[1] if rate else None),
            f"MB/s{kept}",
            role,
        ),
        Tile("messages", count_text(rate[0] if rate else None), "msg/s", role),
        _p99(trial),
        Tile("backlog", count_text(trial.backlog), role="strong" if trial.finished is None else "label"),
        Tile(
            "errors",
            "1" if failed and not trial.errors else count_text(trial.errors),
            role="bad" if trial.errors or failed else "strong",
        ),
    )


def _p99(trial: TrialView) -> Tile:
    waiting = trial.p99_in_s
    if waiting is not None:
        return Tile("p99", f"in {waiting:.0f} s", role="label")
    if trial.finished is not None and "overloaded" in trial.finished.flags:
        return Tile("p99", "n/a", "overloaded", "flag")
    return Tile("p99", figure_text(trial.p99_ms), "ms" if trial.p99_ms is not None else "", "p99")


class Tiles(Rows):
    """Draws the tiles."""

    DEFAULT_CSS = "Tiles { height: 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._tiles: tuple[Tile, ...] = tiles_of(None)

    def show(self, tiles: Sequence[Tile]) -> None:
        """Take new figures."""
        if tuple(tiles) != self._tiles:
            self._tiles = tuple(tiles)
            self.update_rows()

    def compose_rows(self, width: int, height: int) -> tuple[Row, ...]:
        return self._tall(width) if height > 1 else (self._flat(width),)

    def _flat(self, width: int) -> Row:
        """All in one row; where it is narrow, without what the others say too."""
        shown = self._tiles
        for label in _FIRST_TO_GO:
            if sum(len(text) for text, _ in self._runs(shown)) <= width:
                break
            shown = tuple(tile for tile in shown if tile.label != label)
        return tuple(self._runs(shown))

    @staticmethod
    def _runs(tiles: Sequence[Tile]) -> list[Run]:
        runs: list[Run] = []
        for number, tile in enumerate(tiles):
            named = tile.label in ("p99", "backlog", "errors")
            if number:
                runs.append(("   ", ""))
            if named:
                runs.append((f"{tile.label} ", "label"))
            runs.append((f"{tile.value:>{5 if not named else 1}}", tile.role))
            if tile.unit:
                runs.append((f" {tile.unit}", "label"))
        return runs

    def _tall(self, width: int) -> tuple[Row, ...]:
        column = max(12, min(22, width // len(self._tiles)))
        labels: list[Run] = []
        values: list[Run] = []
        for tile in self._tiles:
            labels.append((f"{tile.label:<{column}}"[:column], "label"))
            values.append((tile.value, tile.role))
            values.append((f" {tile.unit}".ljust(column - len(tile.value))[: column - len(tile.value)], "label"))
        return (tuple(labels), tuple(values))
