"""The app: five places over one state, and the only writer of that state.

It is a viewer. The study runs in a process of its own (`watching.py` talks to it); losing the screen leaves it alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace
from textual import work
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.geometry import Size
from textual.screen import Screen

from ingestune_tui import settings as kept
from ingestune_tui.errors import IngestuneError
from ingestune_tui.tui import crash, terminal, theme
from ingestune_tui.tui.editing import Editing
from ingestune_tui.tui.plain import plain_lines
from ingestune_tui.tui.screens.place import Place
from ingestune_tui.tui.state import AppState, ClusterChoice, Level, Said
from ingestune_tui.tui.widgets.places_bar import PLACES

if TYPE_CHECKING:
    from textual.notifications import SeverityLevel

    from ingestune_tui.storage.store import Store

_LAST_RESORT_S = 2.0
_QUEUE_S = 5.0
"""How often it is read what waits for PostgreSQL."""
_SEVERITY: dict[Level, SeverityLevel] = {"info": "information", "warning": "warning", "error": "error"}


def _screen(module: str, name: str) -> Callable[[], Screen[None]]:
    """A place that is imported when it is first looked at: together they cost more than the first paint may."""

    def make() -> Screen[None]:
        from importlib import import_module

        screen = getattr(import_module(f"ingestune_tui.tui.screens.{module}"), name)()
        assert isinstance(screen, Screen)
        return screen

    return make


class IngestuneApp(Editing):
    """Runs until the person quits; returns the exit code.

    The first paint takes about 300 ms of CPU, 140 of them imports: what is not on the first screen is imported later.
    """

    TITLE = "ingestune"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    ENABLE_COMMAND_PALETTE = True
    NOTIFICATION_TIMEOUT = 6
    HORIZONTAL_BREAKPOINTS = [(0, "-thin"), (60, "-normal"), (100, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (16, "-usual"), (34, "-tall")]  # of dialogs as well as of places
    MODES = {
        "start": _screen("start", "StartScreen"),
        "grid": _screen("grid", "GridScreen"),
        "live": _screen("live", "LiveScreen"),
        "leaderboard": _screen("leaderboard", "LeaderboardScreen"),
        "compare": _screen("compare", "CompareScreen"),
        "studies": _screen("studies", "StudiesScreen"),
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(key, f"switch_place('{mode}')", title, show=False, id=f"place.{mode}", tooltip=f"Go to {title}")
            for key, mode, title in PLACES
        ),
        Binding("o", "switch_place('start')", "Open", show=False, id="open", tooltip="Choose another cluster or grid"),
        Binding("v", "events", "Events", show=False, id="events", tooltip="What was said so far"),
        Binding("q", "ask_to_quit", "Quit", show=False, id="quit", tooltip="Quit; a running study asks first"),
        Binding("ctrl+q,ctrl+c", "ask_to_quit", "Quit", show=False, priority=True, system=True),
        Binding("ctrl+p", "command_palette", "Commands", show=False, id="palette", tooltip="Find a command"),
        Binding(
            "ctrl+z",
            "suspend_process",
            "Suspend",
            show=False,
            id="suspend",
            tooltip="To the shell; fg comes back",
        ),
        Binding("question_mark,f1", "help", "help", key_display="?", id="help", tooltip="This help"),
    ]

    def __init__(
        self,
        state: AppState,
        *,
        few_colours: bool = False,
        open_store: Callable[[], Awaitable[Store]] | None = None,
        attach: str | None = None,
    ) -> None:
        """`open_store` opens the database after the first paint; whoever gave it closes `state.store`.

        `attach` names a study to show at once, the newest one if it is empty.
        """
        super().__init__(ansi_color=True if few_colours else None)
        self.state = state
        self._open_store = open_store
        self._first_study = attach
        self._dirty = False
        for name in list(self.available_themes):
            self.unregister_theme(name)
        for each in theme.THEMES:
            self.register_theme(each)
        self.theme = theme.first_theme(state.settings.theme, state.remembered.theme, few_colours=few_colours)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(theme.defaults())

    def get_key_display(self, binding: Binding) -> str:
        """Words where a glyph would have to be guessed."""
        return {"enter": "enter", "escape": "esc"}.get(binding.key) or super().get_key_display(binding)

    # The state and the screen.

    def redraw(self) -> None:
        """Draw the screen in front from the state, now. For what the person just did."""
        self._dirty = False
        if isinstance(self.screen, Place):
            self.screen.redraw()

    def mark_changed(self) -> None:
        """The state moved on by itself; it is drawn with the next tick of the refresh rate."""
        self._dirty = True

    def _tick(self) -> None:
        if not self.is_headless:
            self._follow_size()
        if self._dirty or self.state.counting_down:
            self.redraw()

    def _follow_size(self) -> None:
        """Be as large as the terminal, whatever was missed.

        Textual reads the size in its signal handlers. When one interrupts another (a resize during `fg`, or two in a
        row), the size that was read first is taken last, and no signal comes any more to put it right.
        """
        size = terminal.size()
        if size is not None and size != self.size:
            self.post_message(Resize(Size(*size), Size(*size)))

    def say(self, text: str, level: Level = "info") -> None:
        """A toast that stays in the event list. Text from outside is safe here: it is never markup, nor obeyed."""
        text = plain_lines(text)
        self.state.said.append(Said(self.state.clock(), level, text))
        self.notify(text, severity=_SEVERITY[level], markup=False)

    def say_error(self, error: IngestuneError) -> None:
        """An error as a toast, with its hint, redacted."""
        self.say(crash.in_words(error), "error")

    def copy_text(self, text: str) -> None:
        """Put text on the clipboard of the person's own terminal and say how that went."""
        driver = self._driver
        self.say(terminal.copy(text, driver.write if driver is not None else lambda _: None))

    # Coming and going.

    def on_mount(self) -> None:
        if self.state.settings.keymap:
            self.set_keymap(dict(self.state.settings.keymap))
        self.switch_mode("start" if self.state.document is None else "grid")
        self.set_interval(1 / terminal.refresh_hz(self.state.settings.refresh_hz), self._tick)
        if self.state.settings.shared_copy is not None:
            self.set_interval(_QUEUE_S, self.read_queue)
        if self.state.document is not None:
            self.document_changed()
        self.theme_changed_signal.subscribe(self, lambda chosen: self._theme_chosen(chosen.name))
        self.app_resume_signal.subscribe(self, lambda _: self._paint_all())
        self.call_after_refresh(self.open_database)

    def _paint_all(self) -> None:
        """After `fg` and an editor the terminal shows nothing of ours: every row is drawn again."""
        for screen in self.screen_stack:
            screen.refresh(layout=True)
        self.refresh(layout=True)
        self.redraw()

    def _theme_chosen(self, name: str) -> None:
        self.remember(replace(self.state.remembered, theme=name))

    def action_switch_place(self, mode: str) -> None:
        """Go to a place; a dialog or a trial on top of it stays where it is."""
        self.switch_mode(mode)

    def action_help(self) -> None:
        from ingestune_tui.tui.screens.help import HelpScreen

        if isinstance(self.screen, Place):
            self.push_screen(HelpScreen(self.screen.HELP or self.screen.PLACE.title(), self.screen.active_bindings))

    def action_events(self) -> None:
        from ingestune_tui.tui.screens.events import EventsScreen, together

        if isinstance(self.screen, Place):
            told = self.state.study.told if self.state.study is not None else ()
            today = self.state.clock().astimezone().date()
            self.push_screen(EventsScreen(together(self.state.said, told), today))

    def action_ask_to_quit(self) -> None:
        if len(self.screen_stack) == 1 or isinstance(self.screen, Place):
            self._quit()

    @work(exclusive=True, group="quit")
    async def _quit(self) -> None:
        """Ends the app; a running study and unsaved changes are asked about first."""
        from ingestune_tui.tui.screens.dialogs import ask, ask_to_quit

        document = self.state.document
        if document is not None and (document.changed or self.half_typed):
            question = ask(f"{document.name} has unsaved changes", "Quitting drops them.", "Drop them", destroys=True)
            if await self.push_screen_wait(question) != "yes":
                return
        live = self.state.live
        if self.state.running and live is not None:
            name = live.started.study if live.started is not None else ""
            answer = await self.push_screen_wait(ask_to_quit(name))
            if answer == "cancel":
                return
            if answer == "stop":
                self.say("stopping the study…")
                await self.stop_study()
        self.exit(0)

    def end_by_signal(self, number: int) -> None:
        """SIGTERM or a lost terminal: end at once and leave the study running."""
        self.exit(128 + number)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        yield SystemCommand("Theme", "Choose colours", self.action_change_theme)
        for _, binding, enabled, tooltip in screen.active_bindings.values():
            if enabled and binding.id and binding.description and binding.action != "command_palette":
                yield SystemCommand(binding.description, tooltip or binding.description, self._runner(binding.key))

    def _runner(self, key: str) -> Callable[[], None]:
        return lambda: self.simulate_key(key)

    # When something breaks.

    def _fatal_error(self) -> None:
        """Textual's own report prints local variables; this one never does."""
        error = self._exception
        assert error is not None
        self.bell()
        text = crash.describe(error, crash.write_report(error, self.state.settings.paths.state))
        self._exit_renderables.append(text)
        self._close_messages_no_wait()


def initial_state(settings: kept.Settings, remembered: kept.Remembered) -> AppState:
    """The state before anything was chosen: what was configured, else what was chosen last time."""
    address = settings.cluster or remembered.cluster or "local"
    command_config = settings.command_config
    if command_config is None and not settings.cluster and remembered.command_config:
        command_config = Path(remembered.command_config)
    return AppState(
        settings=settings,
        remembered=remembered,
        cluster=ClusterChoice(address, command_config),
        ready_grids=kept.ready_grids(),
    )


def run_app(settings: kept.Settings, grid: Path | None = None, attach: str | None = None) -> int:
    """Show the app until the person quits; returns the exit code. Raises NeedsTerminal without a terminal.

    `attach` names a study to look at, the newest one if it is empty.
    """
    terminal.require_terminal()
    state = initial_state(settings, kept.recall(settings.paths))
    if grid is not None:
        from ingestune_tui.tui.grid_document import GridDocument  # 40 ms, and only a named grid needs it first

        state.document = GridDocument.open(grid.absolute())
    return asyncio.run(_run(state, attach))


async def _run(state: AppState, attach: str | None) -> int:
    async def open_store() -> Store:
        from ingestune_tui.storage.store import Store  # 40 ms, after the first paint

        return await Store.open_configured(state.settings)

    app = IngestuneApp(state, few_colours=terminal.few_colours(), open_store=open_store, attach=attach)
    gc.freeze()  # imports stay: to look through them for garbage takes 20 ms, in the middle of what a key asked for
    try:
        with _signals(app):
            result = await app.run_async()
    finally:
        if state.store is not None:
            await state.store.close()
    if app.return_code and app.return_code < 128 and result is None:
        return app.return_code
    if result is not None and result < 128:
        _say_goodbye(app)
    return result or 0


@contextlib.contextmanager
def _signals(app: IngestuneApp) -> Iterator[None]:
    """SIGTERM and SIGHUP end the app cleanly; one that was ignored at the start (nohup) stays ignored."""
    loop = asyncio.get_running_loop()
    taken = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) != signal.SIG_IGN]

    def end(number: signal.Signals) -> None:
        app.end_by_signal(number)
        loop.call_later(_LAST_RESORT_S, os._exit, 128 + number)  # a terminal that is gone can block the last writes

    for number in taken:
        loop.add_signal_handler(number, end, number)
    try:
        yield
    finally:
        for number in taken:
            loop.remove_signal_handler(number)


def _say_goodbye(app: IngestuneApp) -> None:
    """On the normal screen: what came of the study, to be pasted into a ticket."""
    view = app.watched
    if view is None or view.started is None:
        return
    from ingestune_tui.report.summary import farewell
    from ingestune_tui.tui.stored import study_of

    study = study_of(view)
    if view is app.told_to_stop and view.finished is None:
        study = replace(study, state="stopped", message="cleaning up")
    elif view is app.lost:
        study = replace(study, state="interrupted")
    # the outcomes name the objective; before the first, nothing says by what the trials are to be ranked
    trials = [each.finished for each in view.trials.values() if each.finished is not None] if study.outcomes else []
    with contextlib.suppress(OSError):
        print(farewell(study, trials))
