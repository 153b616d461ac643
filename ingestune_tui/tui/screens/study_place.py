"""What the places that show a study share: which study it is, and being drawn anew when the terminal changes."""

from __future__ import annotations

from ingestune_tui.tui.screens.place import Place
from ingestune_tui.tui.study_view import StudyView


class StudyPlace(Place):
    """A place over the study on the screens."""

    _study_id = ""
    """Of the study that was drawn last."""

    @property
    def view(self) -> StudyView | None:
        """The study, once something is known of it."""
        study = self.ingestune.state.study
        return study if isinstance(study, StudyView) and study.started is not None else None

    def another_study(self) -> None:
        """The study on the screens is another one: how the one before was looked at says nothing about it."""

    def _id_now(self) -> str:
        """Of the study on the screens; that of the one before while the next has said nothing, empty without one."""
        if self.ingestune.state.study is None:
            return ""
        started = self.view.started if self.view is not None else None
        return started.study_id if started is not None else self._study_id

    def redraw(self) -> None:
        """As every place; the first time over another study, or over none any more, it is looked at afresh."""
        study_id = self._id_now()
        if self.is_attached and self.is_mounted and study_id != self._study_id:
            if self._study_id and not self.is_active:
                return  # looked at afresh when it is in front again
            before, self._study_id = self._study_id, study_id
            if before:
                self.another_study()
                if not self.is_active:
                    return  # it has gone with its study
        super().redraw()

    def on_resize(self) -> None:
        """Columns, lists and labels depend on the size and its classes. Textual calls `Place.on_resize` by itself."""
        self.call_after_refresh(self.redraw)
