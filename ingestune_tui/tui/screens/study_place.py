"""What the places that show a study share: which study it is, and being drawn anew when the terminal changes."""

from __future__ import annotations

from ingestune_tui.tui.screens.place import Place
from ingestune_tui.tui.study_view import StudyView


class StudyPlace(Place):
    """A place over the study on the screens."""

    @property
    def view(self) -> StudyView | None:
        """The study, once something is known of it."""
        study = self.ingestune.state.study
        return study if isinstance(study, StudyView) and study.started is not None else None

    def on_resize(self) -> None:
        """Columns, lists and labels depend on the size and its classes. Textual calls `Place.on_resize` by itself."""
        self.call_after_refresh(self.redraw)
