"""`v`: toasts and the study's own events in one list, each once, with the date where it was another day."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest

from ingestune_tui.model.events import Notice
from ingestune_tui.tui.screens.events import EventsScreen, together
from ingestune_tui.tui.state import Said
from ingestune_tui.tui.study_view import Told
from tests.tui.fake_study import FakeStudy
from tests.tui.shown import NOW, ShownApp, until


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


async def test_it_holds_what_the_study_told_besides_the_toasts(tmp_path: Path) -> None:
    view = until(FakeStudy().all(), 16, "saturated", 9)
    view.apply(Notice(time="2026-11-23T21:30:00.000Z", level="warning", text="unstable machine"))
    app = ShownApp(tmp_path, "live", view)
    async with app.run_test(size=(120, 40)) as pilot:
        app.say("written: quick.html")
        app.say("unstable machine", "warning")
        await pilot.press("v")
        await pilot.pause()
        assert isinstance(app.screen, EventsScreen)
        text = app.screen._lines().plain
        assert "study quick started: 18 cells on local" in text
        assert "21:57:00 · written: quick.html" in text
        assert text.count("unstable machine") == 1
        assert text.index("written: quick.html") < text.index("unstable machine") < text.index("study quick started")


async def test_what_was_said_on_another_day_has_its_date(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "live", until(FakeStudy().all(), 3, "saturated", 9))
    async with app.run_test(size=(80, 24)) as pilot:
        app.say("written: quick.html")
        app.state.clock = lambda: NOW + timedelta(days=1)
        app.say("written: again.html")
        await pilot.press("v")
        await pilot.pause()
        assert "2026-11-23 21:57:00 · written: quick.html" in app.text()
        assert "  21:57:00 · written: again.html" in app.text()


def test_events_whose_time_is_not_known_come_first() -> None:
    toast = Said(NOW, "info", "written")
    lines = together([toast], [Told("", "info", "leader changed"), Told("2026-11-23T21:58:00Z", "info", "later")])
    assert [each.text for each in lines] == ["leader changed", "written", "later"]
