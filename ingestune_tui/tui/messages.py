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

    def __init__(self, path: Path, cluster: ClusterChoice, *, run: bool, ready: bool) -> None:
        self.path = path
        self.cluster = cluster
        self.run = run
        """Start it at once; else open it in the editor."""
        self.ready = ready
        """It ships with ingestune."""
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


class RunAgainAsked(Message):
    """Measure the configuration of a finished trial once more."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__()


class SamplesWanted(Message):
    """The samples of an older trial are to be read from the database and put into the view."""

    def __init__(self, trial_id: str) -> None:
        self.trial_id = trial_id
        super().__init__()


class StudiesWanted(Message):
    """The list of studies is looked at and may be out of date."""


class StudyRenameAsked(Message):
    """Give a study another name."""

    def __init__(self, study_id: str, name: str) -> None:
        self.study_id = study_id
        self.name = name
        super().__init__()


class StudyDeleteAsked(Message):
    """Delete a study; the person was asked."""

    def __init__(self, study_id: str) -> None:
        self.study_id = study_id
        super().__init__()
