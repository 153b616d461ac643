"""The README's pictures, as SVG, from the real app and a real study on a local Kafka. Nothing in them is made up.

    python -m tests.bench.screenshots [--study-home DIR] [-o docs/screens]

opens the app, runs the grid below and takes a picture of every screen on the way, in about seven minutes.
A study that is finished in DIR is not run again: only the pictures of what came of it are made then.
A picture that would name this machine, its folders or another host is not written: exit code 1.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import html
import os
import re
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from ingestune_tui.tui.app import IngestuneApp
    from ingestune_tui.tui.study_view import StudyView

SIZE = (120, 40)
RUNS_S = 600.0
HOST = "bench-1"
"""The longest that a study may take."""
CELL = (12.2, 24.4)
"""Width and height of a character in the pictures that Textual makes."""
_ROWS = (0, 1, 2, 0, 1, 2, 3, 3)
_RIGHT = frozenset((3, 4, 5, 7))
"""Where the dots of a braille glyph stand, by their bit."""
FONTS = "DejaVu Sans Mono, Menlo, Consolas, monospace"
"""Fonts that people have: a picture in a README may not fetch one."""
GRID = """\
# Do larger batches, a longer wait or compression help a producer that still has the settings of its first day?
title = "Orders"

[workload]
message_bytes = [100, 1000]
payload = "json"
partitions = 6

[trial]
warmup = "1s"
saturated = "2s"
paced = "2s"

[search]
confirm_pairs = 5

[producer]
linger.ms = [0, 20]
batch.size = ["16KiB", "256KiB"]
compression.type = ["none", "lz4"]
acks = "all"

[baseline.producer]  # what Java's producer had for years
linger.ms = 0
batch.size = "16KiB"
"""


class NotShown(Exception):
    """A picture cannot be made or may not be written."""


# The app ---------------------------------------------------------------------------------------------------------


async def finished(app: IngestuneApp, name: str) -> str | None:
    """The id of a study that ended with an outcome; None when there is none."""
    assert app.state.store is not None
    for study in await app.state.store.studies():
        if study.name == name and study.state == "finished" and study.outcomes:
            return study.id
    return None


async def until(app: IngestuneApp, wanted: Callable[[], bool], what: str, within_s: float = 20.0) -> None:
    """Look again and again, at the app's own pace. Raises NotShown when it never comes true."""
    deadline = time.monotonic() + within_s
    while not wanted():
        if time.monotonic() > deadline or app._exception is not None:
            raise NotShown(f"{what} did not come; the app said {[said.text for said in app.state.said]}")
        await asyncio.sleep(0.05)


def paced(view: StudyView | None, role: str, from_trial: int) -> bool:
    """True while a trial of a tuned configuration has both charts filled: it is at the end of its paced stage."""
    trial = view.running if view is not None else None
    if trial is None or trial.finished is not None or trial.baseline:
        return False
    samples = sum(sample.stage == "paced" for sample in trial.samples)
    return trial.role == role and trial.number >= from_trial and samples >= 3


def confirming(view: StudyView | None, pairs: int) -> bool:
    """True at such a moment once so many pairs are done."""
    progress = view.progress if view is not None else None
    done = progress.pairs_done if progress is not None and progress.phase == "confirming" else 0
    return done >= pairs and paced(view, "confirm", 1)


class Album:
    """Takes pictures of one running app and writes them."""

    def __init__(self, app: IngestuneApp, pilot: Pilot[int], folder: Path) -> None:
        self._app, self._pilot, self._folder = app, pilot, folder

    async def press(self, *keys: str) -> None:
        """Keys, and everything they set off."""
        await self._pilot.press(*keys)
        await self.settle()

    async def settle(self) -> None:
        """Until what was asked for is drawn; a running study is watched by a worker that does not end."""
        if ending := [each for each in self._app.workers if each.group != "watch"]:
            await self._app.workers.wait_for_complete(ending)
        await self._pilot.pause()

    async def take(self, name: str) -> None:
        """The screen as it is, toasts put aside."""
        self._app.clear_notifications()
        study = self._app.state.study
        if study is not None and study.started is not None:  # the name of this machine is nobody else's business
            study.started = msgspec.structs.replace(study.started, host=HOST)
        self._app.redraw()
        await self._pilot.pause()
        text = self_contained(self._app.export_screenshot(title="ingestune"))
        if found := names_of_this_machine(text):
            raise NotShown(f"{name} would show {', '.join(sorted(found))}")
        path = self._folder / f"{name}.svg"
        path.write_text(text, encoding="utf-8")
        print(f"{path}  {len(text.encode()) / 1000:.0f} kB")


def self_contained(svg: str) -> str:
    """The picture with fonts that are on the reader's machine, none that is fetched, and its charts drawn as dots."""
    svg = re.sub(r"@font-face\s*\{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family:\s*[^;}]+;", f"font-family: {FONTS};", svg)
    return re.sub(r'<text class="([^"]*)" x="([^"]*)" y="([^"]*)"[^>]*>([^<]*)</text>', _with_dots, svg)


def _with_dots(found: re.Match[str]) -> str:
    """A run of text whose braille glyphs, which few monospaced fonts have, became squares of two by four a cell."""
    style, x, y, text = found.groups()
    left, top = float(x) + 1.6, float(y) - 15
    dots = [
        f"M{left + (at + 0.5 * (bit in _RIGHT)) * CELL[0]:.1f} {top + _ROWS[bit] * CELL[1] / 4:.1f}h3v3h-3z"
        for at, glyph in enumerate(html.unescape(text))
        if "\u2800" <= glyph <= "\u28ff"
        for bit in range(8)
        if (ord(glyph) - 0x2800) >> bit & 1
    ]
    if not dots:
        return found[0]
    rest = re.sub("[\u2800-\u28ff]", "&#160;", text)
    return found[0].replace(f">{text}<", f">{rest}<") + f'<path class="{style}" d="{"".join(dots)}"/>'


def names_of_this_machine(svg: str) -> set[str]:
    """Host name, folders and fetched addresses that stand in a picture."""
    words = {str(Path.home()), str(Path.cwd()), tempfile.gettempdir(), socket.gethostname()} - {"/", "localhost"}
    text = svg.replace("&#160;", " ")
    return {word for word in words if word in text} | set(re.findall(r"url\(\s*[\"']?https?:[^)]*\)", svg))


async def pictures(home: Path, folder: Path) -> None:
    """Every screen, in the order of a first visit."""
    from ingestune_tui import settings as kept
    from ingestune_tui.storage.store import Store
    from ingestune_tui.tui.app import IngestuneApp, initial_state

    settings = kept.load()

    async def open_store() -> Store:
        return await Store.open_configured(settings)

    app = IngestuneApp(initial_state(settings, kept.Remembered()), open_store=open_store)
    try:
        async with app.run_test(size=SIZE) as pilot:
            album = Album(app, pilot, folder)
            await until(app, lambda: app.state.studies is not None, "the database")
            await album.settle()
            try:
                if (study_id := await finished(app, "orders")) is None:
                    await first_screens(app, album, home)
                    await live_screens(app, album)
                else:
                    app.open_study(study_id)
                    await album.settle()
                await result_screens(app, album)
            finally:
                if app.state.running:
                    await app.stop_study()
    finally:
        if app.state.store is not None:
            await app.state.store.close()


async def first_screens(app: IngestuneApp, album: Album, home: Path) -> None:
    """What a first start offers, then our grid in the editor with its baseline unfolded."""
    await album.take("start")
    grid = home / "orders.toml"
    grid.write_text(GRID)
    app.open_grid(grid)
    app.action_switch_place("grid")
    await album.settle()
    await album.press("end", "right", "home")
    await album.take("grid")


async def live_screens(app: IngestuneApp, album: Album) -> None:
    """Runs the grid in the editor, on local, and looks in at two moments."""
    state = app.state
    await album.press("r")
    await until(app, lambda: paced(state.study, "search", 16), "a trial of the search", RUNS_S)
    await album.take("live")
    await until(app, lambda: confirming(state.study, 3), "the fourth pair", RUNS_S)
    await album.take("confirming")
    await until(app, lambda: state.study is not None and state.study.finished is not None, "the end", RUNS_S)
    await album.settle()


async def result_screens(app: IngestuneApp, album: Album) -> None:
    """What came of it: the leaderboard, one trial of the chosen row, the two plots, and the file."""
    await album.press("3")
    await album.take("leaderboard")
    await album.press("enter")
    await until(app, lambda: any(trial.histogram for trial in shown(app).trials.values()), "the trial's samples")
    await album.take("trial")
    await album.press("escape", "4")
    await album.take("compare")
    await album.press("e")
    await album.take("export")


def shown(app: IngestuneApp) -> StudyView:
    """The study on the screens."""
    assert app.state.study is not None
    return app.state.study


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study-home", type=Path, help="where the studies are kept; a temporary folder by default")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/screens"))
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        home = options.study_home or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        home.mkdir(parents=True, exist_ok=True)
        options.output.mkdir(parents=True, exist_ok=True)
        os.environ["INGESTUNE_HOME"] = str(home.absolute())
        for name in ("NO_COLOR", "INGESTUNE_CLUSTER", "INGESTUNE_DATABASE", "INGESTUNE_POSTGRES"):
            os.environ.pop(name, None)
        try:
            asyncio.run(pictures(home, options.output))
        except NotShown as problem:
            print(problem, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
