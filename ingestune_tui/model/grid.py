"""A grid: the candidate values of each parameter, with workload, objective and method. Frozen values.

`grid_reader.read_grid` makes one from a file's text; `space.expand` makes the cells.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.model.configuration import Setting
from ingestune_tui.model.objective import Objective
from ingestune_tui.model.workload import Limits, Timings, Workload

Strategy = Literal["race", "exhaustive"]

MAX_CELLS = 5_000
"""Valid and invalid ones together: counted before any is built."""

MAX_GRID_BYTES = 1_000_000


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One property with its candidate values."""

    scope: Scope
    name: str
    """Canonical name; `partitions` and `replication` in the topic scope are the topic's own."""
    levels: tuple[Value, ...]
    """At least one; a single level pins the property, for the baseline too."""
    off: bool = False
    """Switched off: its values are kept in the file and play no part."""

    @property
    def pinned(self) -> bool:
        """One value only: no factor of the search."""
        return len(self.levels) == 1


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """How the answer is looked for, and how sure it must be."""

    strategy: Strategy = "race"
    tolerance: float = 0.05
    """A configuration within this share of the best is as good as the best."""
    budget_s: float | None = None
    """For the whole study, confirmation included; None is no budget."""
    confirm_pairs: int = 12
    """Fresh baseline/leader pairs; 0 makes no claim."""


class BaselineChoice(msgspec.Struct, frozen=True, kw_only=True):
    """What the winner must beat. All empty: the defaults of client and broker."""

    files: tuple[tuple[Scope, str], ...] = ()
    """`.properties` files, as written in the grid; read relative to the grid's own directory."""
    settings: tuple[Setting, ...] = ()

    @property
    def label(self) -> str:
        """In a few words, for a screen."""
        if self.files:
            return ", ".join(path for _, path in self.files)
        return "your settings" if self.settings else "defaults"


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a grid file says, checked."""

    title: str = ""
    workloads: tuple[Workload, ...] = (Workload(),)
    """One search each; they differ in message size only."""
    objective: Objective = Objective()
    timings: Timings = Timings()
    limits: Limits = Limits()
    search: Search = Search()
    baseline: BaselineChoice = BaselineChoice()
    parameters: tuple[Parameter, ...] = ()

    @property
    def active(self) -> tuple[Parameter, ...]:
        """The parameters that are not switched off."""
        return tuple(parameter for parameter in self.parameters if not parameter.off)

    @property
    def size(self) -> int:
        """Cells before invalid ones are removed and equal ones merged."""
        count = 1
        for parameter in self.active:
            count *= len(parameter.levels)
        return count

    @property
    def scopes(self) -> frozenset[Scope]:
        """The scopes that this grid sets anything in."""
        return frozenset(parameter.scope for parameter in self.active)
