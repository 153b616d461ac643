"""What screens and widgets ask of the app. Small, frozen in meaning, and the only way up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from ingestune_tui.model.events import Command
    from ingestune_tui.tui.state import ClusterChoice


class CommandGiven(Message):
    """The person told the running study to do something."""

    def __init__(self, command: Command) -> None:
        self.command = command
        super().__init__()


class RunAsked(Message):
    """Run the grid in the editor on the chosen cluster."""


class GridChosen(Message):
    """A grid file and a cluster were chosen on the first screen."""

    def __init__(self, path: Path, cluster: ClusterChoice, run: bool) -> None:
        self.path = path
        self.cluster = cluster
        self.run = run
        super().__init__()


class DocumentChanged(Message):
    """The grid in the editor is another text now."""


class StudyChosen(Message):
    """Show a stored or running study, by id."""

    def __init__(self, study_id: str) -> None:
        self.study_id = study_id
        super().__init__()


class StudyResumeAsked(Message):
    """Go on with an interrupted study, by id."""

    def __init__(self, study_id: str) -> None:
        self.study_id = study_id
        super().__init__()
