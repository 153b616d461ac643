"""What the app knows, in one place. Screens draw from it and never ask the database, a file or a socket themselves.

The app is its only writer. A study on the screens is a `StudyView`, folded from the events that its process sends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ingestune_tui.model.configuration import Configuration
    from ingestune_tui.model.events import SyncState
    from ingestune_tui.settings import Remembered, Settings
    from ingestune_tui.storage.outbox import Queue
    from ingestune_tui.storage.store import Store
    from ingestune_tui.tui.grid_document import GridDocument
    from ingestune_tui.tui.stored import StudyLine
    from ingestune_tui.tui.study_view import StudyView

Level = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class ClusterChoice:
    """Where the person wants to run. Holds no secret: the properties file is named, not read."""

    address: str
    """`local`, `simulated` or `HOST:PORT,...`."""
    command_config: Path | None = None
    """client.properties of an address."""

    @property
    def external(self) -> bool:
        """True when it is somebody's cluster and not ingestune's own."""
        return self.address not in ("local", "simulated")

    @property
    def fresh(self) -> bool:
        """True when its brokers are started for each study, and are slow at first."""
        return self.address == "local"


@dataclass(frozen=True, slots=True)
class Said:
    """One message that was shown as a toast and stays in the event list."""

    at: datetime
    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class GridCount:
    """How much a grid would measure and cost. Cells are those of the first message size."""

    cells: str
    """`3x2x2 = 12 cells`."""
    run: int = 0
    """Cells that will be run, per message size."""
    sizes: int = 1
    """Message sizes: one search each."""
    duration_s: float | None = None
    bytes_written: int | None = None
    """By the whole study, on each node."""
    peak_bytes: int | None = None
    """Held at once, on each node."""
    trials: int = 0
    partitions: int = 0
    """Of the widest topic that a trial would make."""
    cached: int | None = None
    """None while nobody has looked."""
    merged: tuple[tuple[Configuration, str], ...] = ()
    """What equals another cell, and why."""
    invalid: tuple[tuple[Configuration, str], ...] = ()
    """What cannot be run, and why."""
    baseline_invalid: str = ""
    """Why the baseline itself cannot be run; empty when it can."""


@dataclass(slots=True)
class AppState:
    """Everything a screen may draw."""

    settings: Settings
    remembered: Remembered
    cluster: ClusterChoice
    ready_grids: Path = Path()
    """The directory of the grids that ship with ingestune."""
    document: GridDocument | None = None
    """The grid in the editor."""
    count: GridCount | None = None
    """Of the grid in the editor; None while it has problems."""
    study: StudyView | None = None
    """The study on the screens; None before the first."""
    live: StudyView | None = None
    """The study whose process this app has a line to, shown or not; None while there is none."""
    studies: tuple[StudyLine, ...] | None = None
    """Every stored study, newest first; None until they were read."""
    studies_trouble: str = ""
    """Why the list of studies could not be read, and what to do about it; empty while nothing is wrong."""
    store: Store | None = None
    """Opened after the first paint."""
    queue: Queue | None = None
    """What PostgreSQL lacks, as it was last read; None where none is configured, or nothing was read yet."""
    said: deque[Said] = field(default_factory=lambda: deque(maxlen=500))
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    """The present moment, for the event list and for countdowns; stands still in snapshots."""

    @property
    def connected(self) -> bool:
        """True while the process of the study on the screens answers."""
        return self.live is not None and self.live is self.study

    @property
    def running(self) -> bool:
        """True while the study this app has a line to goes on, whatever is on the screens."""
        return self.live is not None and self.live.finished is None

    @property
    def told_sync(self) -> SyncState | None:
        """How far PostgreSQL is behind, as the study at work tells it; None while none does."""
        return self.live.sync if self.live is not None and self.running else None

    @property
    def counting_down(self) -> bool:
        """True while what the screens say changes with the time alone."""
        paused = self.live.paused if self.live is not None else None
        return paused is not None and paused.retry_in_s is not None
