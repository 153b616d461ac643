"""The process that owns a study: claims its row, opens the cluster, runs the engine, lets others watch and steer.

`ingestune run` is this process in the foreground; the app starts it detached. Viewers come and go on a Unix socket
(mode 0600) that first replays the study so far. Nobody watching for `max_unattended_s` ends the study cleanly.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.errors import IngestuneError, StudyError
from ingestune_tui.model import events
from ingestune_tui.model.events import Event, Notice, StudyFinished
from ingestune_tui.model.grid import Grid
from ingestune_tui.model.study import Study, StudyState
from ingestune_tui.settings import Settings, private_directory
from ingestune_tui.storage.owner import this_process
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.broker_settings import check_settings
from ingestune_tui.tuning.cluster import ClusterChoice, OpenCluster, open_cluster
from ingestune_tui.tuning.cluster_values import cluster_values, in_words, keep_values
from ingestune_tui.tuning.grid_file import GridFile
from ingestune_tui.tuning.leftovers import refuse_missing, restore_journal
from ingestune_tui.tuning.scopes import changes_brokers
from ingestune_tui.tuning.sockets import remove_stale_sockets
from ingestune_tui.tuning.study_lookup import Wanted, choose_study
from ingestune_tui.tuning.told import InOrder
from ingestune_tui.tuning.trial_loop import topic_stem
from ingestune_tui.tuning.viewers import Viewers

if TYPE_CHECKING:
    from ingestune_tui.tuning.engine import Engine

MAX_UNATTENDED_S = 2 * 3600.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class StudyRequest:
    """What one study process is asked to do."""

    grid_file: GridFile
    """With the command line's overrides applied."""
    cluster: ClusterChoice
    wanted: Wanted
    socket_name: str = ""
    """Name for the socket; made from the process id when empty."""
    detached: bool = False
    """Nobody sits before it: without a viewer it is unattended from the start."""
    max_unattended_s: float = MAX_UNATTENDED_S


@dataclass(frozen=True, slots=True)
class StudyEnd:
    """How it ended."""

    study: Study | None
    """None when it never began."""
    signal_number: int
    """The signal that ended it, or 0."""


class StudyProcess:
    """One study in this process."""

    def __init__(self, request: StudyRequest, settings: Settings, listen: Callable[[Event], None]) -> None:
        """`listen` is this process's own front end: it is told every event."""
        self._request = request
        self._settings = settings
        self._listen = listen
        self._viewers = Viewers(self._command)
        self._engine: Engine | None = None
        self._signal = 0
        self._name = ""
        """The study's, once it is claimed."""
        self._ending = asyncio.Event()
        self._early_stop = asyncio.Event()
        self._terminal_gone = request.detached
        self._emit = InOrder(self._tell)

    async def run(self) -> StudyEnd:
        """Run to the end, of which every listener is told. Raises IngestuneError when it cannot begin or go on."""
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        runtime = private_directory(self._settings.paths.runtime)
        remove_stale_sockets(runtime)
        path = runtime / (self._request.socket_name or f"{os.getpid()}.sock")
        self._watch_signals()
        async with self._viewers.serve(path):
            watch = asyncio.create_task(self._watch_attendance(), name="attendance")
            work = asyncio.create_task(self._work(str(path)), name="study")
            early = asyncio.create_task(self._early_stop.wait(), name="early stop")
            why = "it was stopped before it had begun"
            try:
                await asyncio.wait([work, early], return_when=asyncio.FIRST_COMPLETED)
                if not work.done() and self._engine is None:
                    work.cancel()
                study = await work
            except asyncio.CancelledError:
                if not self._early_stop.is_set():
                    raise
                study = None
            except Exception as problem:
                why = str(problem) if isinstance(problem, IngestuneError) else "ingestune made a mistake of its own"
                raise
            finally:
                self._say_end(why)
                for task in (watch, early):
                    task.cancel()
                await asyncio.gather(watch, early, return_exceptions=True)
        return StudyEnd(study, self._signal)

    async def _work(self, socket_path: str) -> Study:
        from ingestune_tui.tuning.engine import Engine, EngineOptions  # numpy and the planner: about 150 ms

        request, settings = self._request, self._settings
        async with await Store.open_configured(settings) as store, self._sync(store):
            owner = this_process(socket_path)
            wanted = request.wanted
            study = await choose_study(store, wanted, request.grid_file, request.cluster, owner)
            self._name = study.name
            grid = request.grid_file.grid
            prefix = study.options.get("topic_prefix", settings.topic_prefix)  # a study keeps the one it was begun with
            try:
                async with open_cluster(
                    request.cluster,
                    lambda text: self._emit(Notice(level="info", text=text)),
                    topic_prefix=prefix,
                    client=grid.workloads[0].client,
                ) as cluster:
                    if study.cluster.id and study.cluster.id != cluster.info.id:
                        raise StudyError(
                            f"{study.name} was begun on cluster {study.cluster.id}, and {request.cluster.label} is now "
                            f"{cluster.info.id}",
                            "Start a new study with --fresh.",
                        )
                    study = await store.take_cluster(study.id, cluster.info, changes_brokers=changes_brokers(grid))
                    await prepare_brokers(cluster, study, grid, store, self._emit)
                    swept = await sweep_topics(cluster, study, prefix)
                    trials = await store.trials(study.id)
                    in_force = await self._in_force(cluster, study, prefix)
                    study = await keep_values(store, study, in_force, begun=bool(trials))
                    engine = Engine(
                        study,
                        request.grid_file,
                        cluster,
                        store,
                        EngineOptions(
                            host=owner.host,
                            topic_prefix=prefix,
                            cache_s=0.0 if study.options.get("fresh") else settings.cache_days * 86400,
                            in_force=in_force,
                        ),
                        self._emit,
                        trials,
                        swept,
                    )
                    self._engine = engine
                    if self._ending.is_set():
                        engine.stop()
                    study = await engine.run()
            except BaseException:
                ended = study.state not in ("running", "paused")  # only what comes after its end went wrong
                await store.release_study(study.id, owner, study.state if ended else "interrupted")
                raise
            state = "interrupted" if self._signal and study.state == "stopped" else study.state
            await store.release_study(study.id, owner, state)
            return await store.find_study(study.id)

    async def _in_force(self, cluster: OpenCluster, study: Study, prefix: str) -> Mapping[Scope, Mapping[str, Value]]:
        """What this cluster itself has of what the grid varies, which the baseline then has too; the person is told."""
        values = await cluster_values(cluster, self._request.grid_file.grid, f"{topic_stem(prefix, study.id)}settings")
        if values:
            self._emit(Notice(level="info", text=f"this cluster runs with {in_words(values)}: so does the baseline"))
        return values

    @contextlib.asynccontextmanager
    async def _sync(self, store: Store) -> AsyncIterator[None]:
        """The background copy to PostgreSQL, where one is configured. It never holds up a trial."""
        if self._settings.shared_copy is None:
            yield
            return
        from ingestune_tui.storage.sync import Sync  # asyncpg: about 60 ms

        async with Sync(store, self._settings.shared_copy, self._emit):
            yield

    def _say_end(self, why: str) -> None:
        """The last word of a stream that the engine has not ended; a study that was claimed can be gone on with."""
        state: StudyState = "interrupted" if self._name else "failed"
        self._emit(StudyFinished(study=self._name, state=state, message=why))

    def _tell(self, event: Event) -> None:
        if isinstance(event, StudyFinished) and event.state == "stopped" and self._signal:
            event = msgspec.structs.replace(event, state="interrupted")
        self._viewers.tell(event)
        self._listen(event)

    def _command(self, command: events.Command) -> None:
        """What a viewer asks."""
        engine = self._engine
        if engine is None:
            if isinstance(command, events.StopStudy):
                self._ending.set()  # for an engine that begins before this is looked at
                self._early_stop.set()
            return
        match command:
            case events.Pause():
                engine.pause()
            case events.Resume():
                engine.resume()
            case events.Skip(trial=number):
                engine.skip(number)
            case events.StopAndConfirm(message_bytes=message_bytes):
                engine.stop_and_confirm(message_bytes)
            case events.RunAgain(trial=number):
                engine.run_again(number)
            case events.StopStudy():
                engine.stop()

    # Signals and attendance ----------------------------------------------------------------------------------

    def _watch_signals(self) -> None:
        """SIGINT and SIGTERM stop the study; SIGHUP only means that nobody sits here. Ignored ones stay ignored."""
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._signalled, number)

    def _signalled(self, number: signal.Signals) -> None:
        if number is signal.SIGHUP:
            self._terminal_gone = True
            return
        self._end(number)

    def _end(self, number: int) -> None:
        self._signal = self._signal or int(number)
        self._ending.set()
        if self._engine is not None:
            self._engine.stop()
        else:
            self._early_stop.set()

    async def _watch_attendance(self) -> None:
        """Stop a study that nobody has been watching for too long: it puts load on somebody's cluster."""
        loop = asyncio.get_running_loop()
        alone_since: float | None = None
        while True:
            await asyncio.sleep(min(5.0, self._request.max_unattended_s / 4))
            if not self._terminal_gone or self._viewers.count:
                alone_since = None
            elif alone_since is None:
                alone_since = loop.time()
            elif loop.time() - alone_since >= self._request.max_unattended_s:
                self._emit(Notice(level="warning", text="nobody was watching for too long: the study is stopped"))
                self._end(signal.SIGHUP)
                return


async def prepare_brokers(
    cluster: OpenCluster, study: Study, grid: Grid, store: Store, emit: Callable[[Event], None]
) -> None:
    """What a killed study left changed is put back first; then the brokers are asked whether they will be tuned.

    Raises StudyError, Refused, TrialError, ClusterUnreachable.
    """

    def say(text: str) -> None:
        emit(Notice(level="warning", text=text))

    restored = await restore_journal(cluster, store, say, own=study.id)
    if restored.count:
        say(f"put back {restored.count} broker settings that a killed study had changed")
    if changes_brokers(grid):
        refuse_missing(restored)
    await check_settings(cluster, grid, store)


async def sweep_topics(cluster: OpenCluster, study: Study, prefix: str) -> list[str]:
    """Delete the topics that this same study left behind when it was killed; their names. Nobody else's are touched."""
    own = await cluster.admin.list_topics(topic_stem(prefix, study.id))
    for topic in own:
        await cluster.admin.delete_topic(topic)
    return own
