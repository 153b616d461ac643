"""Keys that come in one packet, as over a slow line: each works before the next."""

from __future__ import annotations

from collections.abc import Callable

import tomli
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input

from ingestune_tui.tui.widgets.key_footer import KeyFooter
from tests.tui.shown import ShownApp

Editor = Callable[..., ShownApp]


async def burst(pilot: Pilot[int], *keys: str) -> None:
    """All keys are waiting before the first is looked at."""
    for key in keys:
        pilot.app.post_message(Key(key, key if len(key) == 1 else None))
    for _ in range(4):
        await pilot.pause()


def footer(app: ShownApp) -> str:
    return app.screen.query_one(KeyFooter).render().plain


async def test_a_row_is_opened_filled_and_kept_in_one_burst(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await burst(pilot, "enter", "ctrl+u", "7", "enter")
        assert app.state.document is not None
        assert tomli.loads(app.state.document.text)["producer"]["linger.ms"] == [7]


async def test_an_emptied_input_keeps_what_is_typed_after_it(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await burst(pilot, "enter")
        await burst(pilot, "ctrl+u", "9", "home", "1")
        assert app.screen.query_one(Input).value == "19"


async def test_a_changed_grid_offers_to_save_and_to_undo(editor: Editor) -> None:
    app = editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "save" not in footer(app)
        await burst(pilot, "enter", "ctrl+u", "7", "enter")
        assert "^s save  u undo" in footer(app)
        assert "r run" in footer(app)
        await pilot.press("u")
        await pilot.pause()
        assert "save" not in footer(app)
