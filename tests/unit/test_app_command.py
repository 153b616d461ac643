"""`ingestune [GRID]` and `attach`: what is asked for on the command line is what the app does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ingestune_tui.tui import terminal
from ingestune_tui.tui.app import IngestuneApp
from tests.unit.command_line import CommandLine, ingestune

__all__ = ["ingestune"]


@pytest.fixture
def redraws_hz(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How often every app that is opened draws what changed by itself; each quits as soon as it stands."""
    found: list[float] = []
    set_interval = IngestuneApp.set_interval

    def noted(self: IngestuneApp, interval: float, callback: Callable[[], None], **more: Any) -> Any:
        if callback == self._tick:
            found.append(1 / interval)
        return set_interval(self, interval, callback, **more)

    async def shown_and_left(self: IngestuneApp) -> int | None:
        async with self.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            self.exit(0)
        return self.return_value

    monkeypatch.setattr(IngestuneApp, "set_interval", noted)
    monkeypatch.setattr(IngestuneApp, "run_async", shown_and_left)
    monkeypatch.setattr(terminal, "require_terminal", lambda: None)
    return found


@pytest.mark.parametrize(
    ("words", "hz"),
    [(["--refresh", "4"], 4.0), (["attach", "--refresh", "0.5"], 0.5), ([], 2.0)],
    ids=["app", "attach", "unsaid"],
)
def test_refresh_is_how_often_the_app_redraws(
    ingestune: CommandLine,
    redraws_hz: list[float],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    hz: float,
) -> None:
    monkeypatch.setattr(terminal, "over_ssh", lambda _: False)
    grid = [] if "attach" in words else [ingestune.grid()]
    said = ingestune(*grid, *words)
    assert (said.code, said.err) == (0, "")
    assert redraws_hz == [pytest.approx(hz)]


def test_a_refresh_that_no_terminal_could_follow_opens_no_app(ingestune: CommandLine, redraws_hz: list[float]) -> None:
    said = ingestune(ingestune.grid(), "--refresh", "100")
    assert said.code == 2
    assert "between 0.1 and 30" in said.err
    assert redraws_hz == []
