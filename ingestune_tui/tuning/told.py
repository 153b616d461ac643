"""The order in which a study speaks: the shared copy's state waits for the study's first word, and nothing follows
its last one. Pure; between the study process and all who listen."""

from __future__ import annotations

from collections.abc import Callable

from ingestune_tui.model.events import Event, StudyFinished, StudyStarted, SyncState


class InOrder:
    """Passes events on in the order that readers of the stream rely on."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        self._tell = tell
        self._begun = False
        self._ended = False
        self._held: SyncState | None = None
        """The newest from before the beginning."""

    def __call__(self, event: Event) -> None:
        if self._ended:
            return
        if isinstance(event, SyncState) and not self._begun:
            self._held = event
            return
        self._ended = isinstance(event, StudyFinished)
        self._tell(event)
        if isinstance(event, StudyStarted):
            self._begun = True
            if self._held is not None:
                self._tell(self._held)
