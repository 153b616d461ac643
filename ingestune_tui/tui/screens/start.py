"""The first screen: where to run and what, with the price said before enter. The last choice is preselected.

It sends `GridChosen`; the app opens the grid and, for enter, starts the study.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import OptionList, Static

from ingestune_tui.tui import grid_cards
from ingestune_tui.tui.at_work import AtWork, studies_at_work
from ingestune_tui.tui.clusters import ClusterLine, cluster_lines
from ingestune_tui.tui.messages import GridChosen, StudiesWanted, StudyChosen
from ingestune_tui.tui.screens.place import Place
from ingestune_tui.tui.widgets.choice_list import ChoiceList, Enter
from ingestune_tui.units import about_bytes, format_duration

if TYPE_CHECKING:
    from ingestune_tui.tui.grid_cards import GridCard
    from ingestune_tui.tui.state import AppState, ClusterChoice
    from ingestune_tui.tui.stored import StudyLine

_ADDRESS = "+address"
_FILE = "+file"
_WATCH: Final = "+watch:"
"""How the ids of lines begin that stand for a study at work; its own id follows."""
_PRICE = len(" 108 x4 cells  ~97 min")
_BRIEF = len("~97 min")


class StartScreen(Place):
    """Two lists and what the choice would cost."""

    PLACE = "start"
    HELP = "Choose where to run and which grid. Enter starts the study and shows it live."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "run", "Run", show=False, id="run.start", tooltip="Run this grid on this cluster"),
        Binding("1", "edit", "edit first", id="start.edit", tooltip="Open this grid in the editor"),
        Binding("q", "app.ask_to_quit", "quit", id="start.quit", tooltip="Quit"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._clusters: list[ClusterLine] = []
        self._cards: list[GridCard] = []
        self._drawn_for: tuple[object, ...] = ()
        self._clusters_for: tuple[object, ...] = ()
        self._working: tuple[AtWork, ...] = ()
        self._resumed = False
        """In front again: grid files may have been written meanwhile."""
        self._offered = ""
        """The line that was highlighted for the person, who may have gone on from there."""

    def head(self) -> ComposeResult:
        yield Static("", id="start-head", markup=False)

    def body(self) -> ComposeResult:
        with Horizontal(id="start-lists"):
            with Vertical(id="where-column"):
                yield Static("Where", classes="heading", markup=False)
                yield ChoiceList(id="where", enter=self._enter_does)
            with Vertical(id="what-column"):
                yield Static("What", classes="heading", markup=False)
                yield ChoiceList(id="what", enter=self._enter_does)
        yield Static("", id="start-notes")

    def on_mount(self) -> None:
        self.query_one("#what", ChoiceList).focus()

    def on_screen_resume(self) -> None:
        self.post_message(StudiesWanted())
        self._resumed = True
        super().on_screen_resume()

    # From the state.

    def refresh_from(self, state: AppState) -> None:
        working = studies_at_work(state)
        where = (state.cluster, state.remembered.clusters, state.remembered.recent, self.app.size.width, working)
        self._show_head(state)
        if where == self._drawn_for and not self._resumed:
            return
        self._resumed = False
        first = not self._drawn_for
        untouched = self.query_one("#what", ChoiceList).chosen == self._offered and not self._working
        self._drawn_for = where
        self._working = working
        self._clusters = cluster_lines(state.cluster, state.remembered.clusters)
        offered = (state.cluster, state.remembered.clusters)
        self._show_clusters(None if offered == self._clusters_for else state.cluster)
        self._clusters_for = offered
        cards = grid_cards.offered(state.ready_grids, state.remembered.recent)
        known = {(card.path, card.stamp): card for card in self._cards}
        self._cards = [known.get((card.path, card.stamp), card) for card in cards]
        if first or (working and untouched):
            self._offered = f"{_WATCH}{working[0].study_id}" if working else self._preselected(state)
            self._show_cards(self._offered)
        else:
            self._show_cards()
        self._read_cards()

    def _preselected(self, state: AppState) -> str:
        wanted = str(state.document.path) if state.document and state.document.path else state.remembered.grid
        found = next((card for card in self._cards if str(card.path) == wanted), None)
        return str((found or self._cards[0]).path) if self._cards else _FILE

    def _show_head(self, state: AppState) -> None:
        head = Content.assemble(("ingestune", "bold $tuned"))
        results = _results(state.studies or ())
        gap = self.app.size.width - 2 - len("ingestune") - len(results)
        if results and gap > 0:
            head = head.pad_right(gap) + Content.assemble((results, "$quiet"))
        self.query_one("#start-head", Static).update(head)

    def _show_clusters(self, chosen: ClusterChoice | None) -> None:
        """Draws the list; without `chosen` the person's own choice stays."""
        wide = max((len(line.choice.address) for line in self._clusters), default=0)
        narrow = min(wide, 22 if self.app.size.width < 100 else 40)
        lines = [
            (
                line.key,
                Content.assemble(_cut(line.choice.address, narrow).ljust(narrow), (f"  {line.about}", "$quiet")),
            )
            for line in self._clusters
        ]
        lines.append((_ADDRESS, Content.assemble(("+ address…", "$quiet"))))
        key = next((line.key for line in self._clusters if line.choice == chosen), None)
        self.query_one("#where", ChoiceList).show_lines(lines, key)

    def _show_cards(self, chosen: str | None = None) -> None:
        lines = [(f"{_WATCH}{each.study_id}", self._working_line(each)) for each in self._working]
        ready = [card for card in self._cards if card.ready]
        recent = [card for card in self._cards if not card.ready]
        room, brief = self._name_room()
        for card in (*ready, *recent):
            name = _cut(card.name, room).ljust(room)
            lines.append((str(card.path), Content.assemble(name, "  ", _price(card, brief=brief))))
        lines.append((_FILE, Content.assemble(("+ open a file…", "$quiet"))))
        self.query_one("#what", ChoiceList).show_lines(lines, chosen)
        self._show_notes()

    def _working_line(self, study: AtWork) -> Content:
        mark, words = ("‖", "is paused: enter shows it") if study.paused else ("▶", "runs: enter to watch it")
        name = _cut(study.name, max(8, self._what_width() - len(f"{mark}  {words}")))
        return Content.assemble((f"{mark} ", "$running"), (name, "bold"), f" {words}")

    def _what_width(self) -> int:
        width = self.app.size.width
        return width - 2 - (58 if width >= 100 else 36) - len("▸ ")

    def _name_room(self) -> tuple[int, bool]:
        """Columns for the names of grids, and whether what is left takes only a brief price."""
        left = self._what_width()
        brief = left < 36
        longest = max((len(card.name) for card in self._cards), default=8)
        return max(8, min(longest, 44, left - 2 - (_BRIEF if brief else _PRICE))), brief

    @work(thread=True, exclusive=True, group="cards")
    def _read_cards(self) -> None:
        """Counts every grid of the list; the slowest has a few hundred cells."""
        from textual.worker import get_current_worker

        worker = get_current_worker()
        for number, card in enumerate(self._cards):
            if worker.is_cancelled:
                return
            if card.count is None and not card.problem:
                self.app.call_from_thread(self._card_read, number, grid_cards.read(card))

    def _card_read(self, number: int, card: GridCard) -> None:
        asked = self._cards[number] if number < len(self._cards) else None
        if asked is not None and (asked.path, asked.stamp) == (card.path, card.stamp):
            self._cards[number] = card
            self._show_cards()

    # From the person.

    @on(OptionList.OptionHighlighted)
    def _highlight_moved(self, event: OptionList.OptionHighlighted) -> None:
        self._show_notes()

    def _enter_does(self, line: str) -> Enter:
        """What enter does on the line with this id, beside what is highlighted in the other list."""
        if line.startswith(_WATCH):
            return "watch"
        if line != _ADDRESS and self._study_at_work() is not None:
            return "choose"
        return "run" if self._cluster() is not None and self._card() is not None else "type"

    @on(OptionList.OptionSelected)
    def _line_selected(self, event: OptionList.OptionSelected) -> None:
        line = event.option_id or ""
        match self._enter_does(line):
            case "watch":
                self.post_message(StudyChosen(line.removeprefix(_WATCH)))
            case "choose":
                self.query_one("#what", ChoiceList).focus()
            case _ if line == _ADDRESS:
                self._ask_address()
            case _ if line == _FILE:
                self._ask_file(run=False)
            case _:
                self.action_run()  # asks for what is still open

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action not in ("run", "edit") or not self.is_mounted or self._study_at_work() is None

    def action_run(self) -> None:
        self._choose(run=True)

    def action_edit(self) -> None:
        self._choose(run=False)

    def _choose(self, *, run: bool) -> None:
        cluster, card = self._cluster(), self._card()
        if cluster is None:
            self._ask_address()
        elif card is None:
            self._ask_file(run=run)
        else:
            self.post_message(GridChosen(card.path, cluster, run=run, ready=card.ready))

    def _cluster(self) -> ClusterChoice | None:
        key = self.query_one("#where", ChoiceList).chosen
        return next((line.choice for line in self._clusters if line.key == key), None)

    def _card(self) -> GridCard | None:
        key = self.query_one("#what", ChoiceList).chosen
        return next((card for card in self._cards if str(card.path) == key), None)

    def _study_at_work(self) -> AtWork | None:
        key = self.query_one("#what", ChoiceList).chosen or ""
        return next((each for each in self._working if f"{_WATCH}{each.study_id}" == key), None)

    def _show_notes(self) -> None:
        """Two lines: what the grid asks, and what the cluster and the grid cost."""
        if (study := self._study_at_work()) is not None:
            about = f"{study.trials} trials so far on {study.where}"
            rule = "One study runs at a time, since two would measure each other."
            self.query_one("#start-notes", Static).update(
                Content.assemble((f"{study.name}: ", "bold"), about, "\n", (rule, "$quiet"))
            )
            return
        card = self._card()
        line = next((each for each in self._clusters if each.choice == self._cluster()), None)
        simulated = line is not None and line.choice.address == "simulated"
        parts: list[Content] = []
        if card is not None:
            parts.append(Content.assemble((f"{card.name}: ", "bold"), card.purpose))
            if card.problem:
                parts.append(Content.assemble(("⚠ ", "$bad"), (card.problem, "$bad")))
            elif simulated:
                parts.append(Content.assemble(("writes nothing to a disk", "$quiet")))
            elif card.count is not None and card.count.bytes_written is not None:
                peak = about_bytes(card.count.peak_bytes or 0)
                text = f"writes up to {about_bytes(card.count.bytes_written)} per node in all, {peak} at once"
                parts.append(Content.assemble((text, "$quiet")))
            if line is not None and line.choice.external and (card.broker_changes or card.broker_restarts):
                why = (
                    "needs broker restarts: only on local" if card.broker_restarts else "changes broker settings: asks"
                )
                parts.append(Content.assemble(("⚠ ", "$flag"), (why, "$flag")))
        if line is not None:
            parts.append(Content.assemble((f"{line.choice.address}: ", "bold"), line.cost))
        self.query_one("#start-notes", Static).update(Content("\n").join(parts))

    @work
    async def _ask_address(self) -> None:
        from ingestune_tui.tui.screens.ask_cluster import AddressDialog

        choice = await self.app.push_screen_wait(AddressDialog())
        if choice is not None:
            self.ingestune.choose_cluster(choice)
            self.query_one("#what", ChoiceList).focus()

    @work
    async def _ask_file(self, *, run: bool) -> None:
        from ingestune_tui.tui.screens.ask_path import PathDialog

        path = await self.app.push_screen_wait(PathDialog("Open a grid", "", "Open", ending=".toml", must_exist=True))
        cluster = self._cluster() or self.ingestune.state.cluster
        if path is not None:
            self.post_message(GridChosen(Path(path), cluster, run=run, ready=False))


def _results(studies: tuple[StudyLine, ...]) -> str:
    """What is stored so far, in a few words; empty before the first study."""
    count, trials = len(studies), sum(line.trials for line in studies)
    if not count:
        return ""
    return f"results: {count} {'study' if count == 1 else 'studies'}, {trials} trial{'s' * (trials != 1)}"


def _price(card: GridCard, *, brief: bool) -> Content:
    if card.problem:
        return Content.assemble(("⚠" if brief else "⚠ has problems", "$bad"))
    if card.count is None:
        return Content("")
    sizes = f" x{card.sizes}" if card.sizes > 1 else ""
    cells = "" if brief else f"{card.count.run}{sizes} cells".rjust(12) + "  "
    return Content.assemble(cells, (f"~{format_duration(card.count.duration_s or 0)}", "$quiet"))


def _cut(text: str, width: int) -> str:
    """Long paths lose their middle: both ends say which one it is."""
    if len(text) <= width:
        return text
    left = (width - 1) // 2
    return f"{text[:left]}…{text[len(text) - (width - 1 - left) :]}"
