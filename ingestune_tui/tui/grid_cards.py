"""The grids that the first screen offers, and what each would cost. Read in a thread, after the first paint."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ingestune_tui.model.grid import Grid
    from ingestune_tui.tui.state import GridCount

_ORDER: Final = ("quick", "throughput", "latency", "durability", "consumer", "topic", "broker", "ingestune2017")
MAX_RECENT: Final = 8


@dataclass(frozen=True, slots=True)
class GridCard:
    """One line of the list."""

    path: Path
    ready: bool
    """Ships with ingestune."""
    stamp: tuple[int, int] = (0, 0)
    """When the file was written (nanoseconds) and its bytes: with others it is to be read again."""
    purpose: str = ""
    """Its first comment, or its title."""
    count: GridCount | None = None
    """None until it was read, and for a grid with problems."""
    sizes: int = 1
    """Message sizes, one search each."""
    problem: str = ""
    """Why it cannot be run; empty when it can."""
    broker_changes: bool = False
    """It changes dynamic broker settings."""
    broker_restarts: bool = False
    """It changes static broker settings."""

    @property
    def name(self) -> str:
        """`quick` for a ready grid, the path as a person writes it for any other."""
        return self.path.stem if self.ready else short_path(self.path)


def short_path(path: Path) -> str:
    """With `~` for the home directory, relative where it lies below the current one."""
    for base, prefix in ((Path.cwd(), ""), (Path.home(), "~/")):
        if path.is_relative_to(base):
            return f"{prefix}{path.relative_to(base)}"
    return str(path)


def offered(directory: Path, recent: tuple[str, ...]) -> list[GridCard]:
    """Ready grids in a fixed order, then recent ones that still exist. Opens no file."""
    rank = {name: number for number, name in enumerate(_ORDER)}
    ready = sorted(directory.glob("*.toml"), key=lambda path: (rank.get(path.stem, len(rank)), path.stem))
    cards = [GridCard(path, True, _stamp(path)) for path in ready]
    here = set(ready)
    for entry in recent[:MAX_RECENT]:
        path = Path(entry)
        if path not in here and path.is_file():
            cards.append(GridCard(path, False, _stamp(path)))
    return cards


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:  # opening it says what is wrong
        return 0, 0
    return found.st_mtime_ns, found.st_size


def read(card: GridCard) -> GridCard:
    """The card with purpose and cost. Never raises for a bad file: the card says what is wrong."""
    from ingestune_tui.catalogue.catalogue import Scope  # the catalogue costs more than the first paint may
    from ingestune_tui.errors import UsageError
    from ingestune_tui.tui.grid_document import GridDocument

    try:
        document = GridDocument.open(card.path)
    except UsageError as error:
        return replace(card, problem=error.what)
    purpose = purpose_of(document.text) or str(document.plain.get("title", ""))[:200]
    grid = document.grid
    if grid is None:
        number = len(document.problems)
        problem = f"{number} problem{'s' * (number != 1)}: {document.problems[0]}"
        return replace(card, purpose=purpose, problem=problem)
    return replace(
        card,
        purpose=purpose,
        count=count_grid(grid, fresh=True),  # at its dearest: on `local`
        sizes=len(grid.workloads),
        broker_changes=Scope.BROKER in grid.scopes,
        broker_restarts=Scope.BROKER_STATIC in grid.scopes,
    )


def purpose_of(text: str) -> str:
    """The first comment of the file."""
    for line in text.splitlines()[:20]:
        if line.startswith("#"):
            return line.lstrip("# ").strip()[:200]
        if line.strip():
            break
    return ""


def count_grid(grid: Grid, *, fresh: bool, cached: int | None = None) -> GridCount:
    """Cells, time and bytes of a whole study of `grid`, on brokers started for it (`fresh`) or others."""
    from ingestune_tui.model.space import expand
    from ingestune_tui.tui.state import GridCount
    from ingestune_tui.tuning.estimate import estimate, most_partitions

    spaces = [expand(grid, workload) for workload in grid.workloads]
    price = estimate(grid, spaces, fresh=fresh, cached=cached or 0)
    return GridCount(
        cells=spaces[0].counts,
        run=len(spaces[0].cells),
        sizes=len(spaces),
        duration_s=price.seconds,
        bytes_written=price.bytes_written,
        peak_bytes=price.peak_bytes,
        trials=price.trials,
        partitions=most_partitions(spaces),
        cached=cached,
        merged=tuple((configuration, reason) for configuration, _, reason in spaces[0].merged),
        invalid=spaces[0].invalid,
        baseline_invalid=spaces[0].baseline_invalid,
    )
