"""A study's socket: who comes late gets all of it, who reads too slowly is dropped, and no one breaks it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ingestune_tui import settings as kept
from ingestune_tui.errors import StudyError
from ingestune_tui.model.events import (
    Command,
    Event,
    Notice,
    Pause,
    Progress,
    StopStudy,
    StudyFinished,
    StudyPaused,
    StudyResumed,
    TrialFinished,
    TrialSampled,
    TrialStaged,
    TrialStarted,
)
from ingestune_tui.model.study import Owner
from ingestune_tui.model.workload import Workload
from ingestune_tui.storage.owner import this_process
from ingestune_tui.tuning import viewers
from ingestune_tui.tuning.study_client import StudyClient, owner_lives
from ingestune_tui.tuning.viewers import Viewers
from tests.unit.store_values import linger, make_samples, make_study, make_trial


@pytest.fixture
def short(tmp_path: Path) -> Iterator[Path]:
    """A path short enough for a socket, whatever pytest calls its directory."""
    here = Path.cwd()
    os.chdir(tmp_path)
    yield Path("s.sock")
    os.chdir(here)


@dataclass
class Heard:
    """What viewers asked."""

    commands: list[Command] = field(default_factory=list)

    def __call__(self, command: Command) -> None:
        self.commands.append(command)


@dataclass
class Stage:
    """A study's side of the socket, and its viewers' doors."""

    viewers: Viewers
    heard: Heard
    path: Path

    async def client(self) -> StudyClient:
        before = self.viewers.count
        client = await StudyClient.connect(self.path)
        await until(lambda: self.viewers.count > before)
        return client


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - it looks at what the code under test says, which tells nobody
            await asyncio.sleep(0)


@pytest.fixture
async def stage(short: Path) -> AsyncIterator[Stage]:
    heard = Heard()
    all_who_watch = Viewers(heard)
    async with all_who_watch.serve(short):
        yield Stage(all_who_watch, heard, short)


async def read(client: StudyClient, count: int) -> list[Event]:
    """The next so many events."""
    found: list[Event] = []
    async with asyncio.timeout(10):
        async for event in client.events():
            found.append(event)
            if len(found) == count:
                break
    return found


def started(number: int) -> TrialStarted:
    return TrialStarted(
        trial=number,
        trial_id=f"t{number}",
        study="quick",
        workload=Workload(),
        role="search",
        baseline=False,
        configuration=linger(5),
    )


def progress(done: int) -> Progress:
    return Progress(phase="racing", message_bytes=1000, done=done, expected=36)


async def test_the_socket_is_this_users_alone_and_gone_afterwards(short: Path) -> None:
    short.touch()  # left behind by a process that was killed
    before = os.umask(0)
    os.umask(before)
    async with Viewers(Heard()).serve(short):
        assert stat.S_ISSOCK(short.stat().st_mode)
        assert stat.S_IMODE(short.stat().st_mode) == 0o600
        assert os.umask(before) == before
    assert not short.exists()


async def test_a_socket_that_cannot_be_made_is_said_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="cannot be made") as caught:
        async with Viewers(Heard()).serve(tmp_path / ("x" * 150)):
            pass
    assert "XDG_RUNTIME_DIR" in caught.value.hint


async def test_everybody_sees_everything_in_order(stage: Stage) -> None:
    one, two = await stage.client(), await stage.client()
    said: list[Event] = [started(1), *(TrialSampled(trial=1, sample=each) for each in make_samples(3)), progress(1)]
    for event in said:
        stage.viewers.tell(event)
    assert await read(one, 5) == await read(two, 5) == said
    await one.close()
    await two.close()


async def test_a_late_viewer_gets_the_study_so_far_and_the_running_trial(stage: Stage) -> None:
    finished, begun, going = TrialFinished.of(make_trial("s", 1), "quick"), started(2), progress(2)
    samples = [TrialSampled(trial=2, sample=each) for each in make_samples(2)]
    staged = TrialStaged(trial=2, stage="saturated", seconds=8.0)
    said: list[Event] = [
        Notice(level="info", text="begun"),
        started(1),
        TrialSampled(trial=1, sample=make_samples(1)[0]),
        finished,
        progress(1),
        StudyPaused(study="quick", reason="disk"),
        StudyResumed(study="quick"),
        going,
        begun,
        staged,
        *samples,
    ]
    for event in said:
        stage.viewers.tell(event)
    late = await stage.client()
    replay = await read(late, 7)
    assert [type(event).__name__ for event in replay] == [
        "Notice",
        "TrialFinished",
        "Progress",
        "TrialStarted",
        "TrialStaged",
        "TrialSampled",
        "TrialSampled",
    ]
    assert replay[1:] == [finished, going, begun, staged, *samples]
    stage.viewers.tell(progress(3))
    assert await read(late, 1) == [progress(3)]
    await late.close()


async def test_a_viewer_that_reads_nothing_holds_up_no_end(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewers, "_BYE_S", 0.05)
    all_who_watch = Viewers(Heard())
    async with asyncio.timeout(10), all_who_watch.serve(short):
        _, writer = await asyncio.open_unix_connection(short, limit=1024)
        await until(lambda: all_who_watch.count == 1)
        for _ in range(100):
            all_who_watch.tell(Notice(level="info", text="x" * 10_000))
    assert all_who_watch.count == 0
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def test_who_comes_between_two_trials_is_shown_none_as_running(stage: Stage) -> None:
    finished = TrialFinished.of(make_trial("s", 1), "quick")
    told: list[Event] = [started(1), TrialSampled(trial=1, sample=make_samples(1)[0]), finished]
    for event in told:
        stage.viewers.tell(event)
    late = await stage.client()
    stage.viewers.tell(progress(1))
    assert await read(late, 2) == [finished, progress(1)]
    await late.close()


async def test_who_comes_while_it_is_paused_is_told_so(stage: Stage) -> None:
    pause = StudyPaused(study="quick", reason="the broker is gone", attempt=2, retry_in_s=5.0)
    stage.viewers.tell(pause)
    late = await stage.client()
    assert await read(late, 1) == [pause]
    await late.close()


async def test_a_study_that_ended_while_it_waited_is_not_told_as_paused(stage: Stage) -> None:
    finished = StudyFinished(study="quick", state="stopped")
    stage.viewers.tell(StudyPaused(study="quick", reason="the broker is gone", attempt=2, retry_in_s=5.0))
    stage.viewers.tell(finished)
    late = await stage.client()
    stage.viewers.tell(progress(1))
    assert await read(late, 2) == [finished, progress(1)]
    await late.close()


async def test_commands_arrive(stage: Stage) -> None:
    client = await stage.client()
    await client.send(Pause())
    await client.send(StopStudy())
    await until(lambda: len(stage.heard.commands) == 2)
    assert stage.heard.commands == [Pause(), StopStudy()]
    await client.close()


@pytest.mark.parametrize("line", [b"nonsense\n", b'{"do": "explode"}\n', b"\xff\xfe\n", b"[" * 9000 + b"\n"])
async def test_a_line_that_is_no_command_is_told_and_tolerated(stage: Stage, line: bytes) -> None:
    client = await stage.client()
    client._writer.write(line)
    await client.send(Pause())
    await until(lambda: stage.heard.commands)
    assert stage.heard.commands == [Pause()]
    (notice,) = await read(client, 1)
    assert isinstance(notice, Notice)
    assert "no command" in notice.text
    await client.close()


async def test_a_line_without_end_costs_its_sender_the_seat_and_nobody_else(stage: Stage) -> None:
    rude, other = await stage.client(), await stage.client()
    rude._writer.write(b"x" * 200_000)
    await until(lambda: stage.viewers.count == 1)
    stage.viewers.tell(progress(1))
    assert await read(other, 1) == [progress(1)]
    await rude.close()
    await other.close()


async def test_a_viewer_that_goes_away_is_forgotten(stage: Stage) -> None:
    client = await stage.client()
    await client.close()
    await until(lambda: stage.viewers.count == 0)
    stage.viewers.tell(progress(1))


async def test_a_viewer_that_reads_nothing_is_dropped_and_may_come_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewers, "_SLOW_BYTES", 100_000)
    _, writer = await asyncio.open_unix_connection(stage.path, limit=1024)  # its own buffer is soon full
    await until(lambda: stage.viewers.count == 1)
    for _ in range(400):
        stage.viewers.tell(Notice(level="info", text="x" * 10_000))
        await asyncio.sleep(0)
    assert stage.viewers.count == 0
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    back = await stage.client()
    assert len(await read(back, 400)) == 400
    await back.close()


async def test_the_last_words_arrive_before_the_socket_closes(short: Path) -> None:
    all_who_watch = Viewers(Heard())
    async with all_who_watch.serve(short):
        client = await StudyClient.connect(short)
        await until(lambda: all_who_watch.count == 1)
        all_who_watch.tell(StudyFinished(study="quick", state="finished"))
    seen = [event async for event in client.events()]
    assert [type(event) for event in seen] == [StudyFinished]
    await client.close()


# The viewer's side ------------------------------------------------------------------------------------------


async def test_nobody_at_the_socket_is_said_so(short: Path) -> None:
    for path in (short, Path()):
        with pytest.raises(StudyError, match="no study process answers"):
            await StudyClient.connect(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": "finished"}, "is not running: it is finished"),
        ({"owner": Owner(host="another", pid=1, process_started_at=1.0)}, "runs on another"),
        ({"owner": msgspec.structs.replace(this_process("/nowhere.sock"), pid=1)}, "no study process answers"),
    ],
)
async def test_a_study_that_cannot_be_watched_says_why(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(StudyError, match=words):
        await StudyClient.attach(make_study(**changes))


async def test_another_versions_events_are_refused_and_half_a_line_is_the_end(short: Path) -> None:
    lines = [b'{"event": "from the future"}\n', b'{"event": "notice", "level": "in']

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(lines.pop(0))
        writer.close()

    async with await asyncio.start_unix_server(answer, short):
        async with await StudyClient.connect(short) as client:
            with pytest.raises(StudyError, match="another version"):
                await read(client, 1)
        async with await StudyClient.connect(short) as client:
            assert [event async for event in client.events()] == []


def test_an_owner_lives_only_here_and_only_as_the_process_it_was() -> None:
    me = this_process("")
    assert owner_lives(make_study(owner=me))
    assert not owner_lives(make_study())
    for changes in ({"host": "another"}, {"process_started_at": 1.0}, {"pid": 2**22 + 5}):
        assert not owner_lives(make_study(owner=msgspec.structs.replace(me, **changes)))


async def test_a_study_process_that_ends_at_once_is_reported_with_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INGESTUNE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    with pytest.raises(StudyError, match=r"missing\.toml cannot be read") as caught:
        await StudyClient.start([str(tmp_path / "missing.toml"), "--cluster", "simulated"], kept.load())
    assert "Its log is" in caught.value.hint


async def test_a_study_process_that_cannot_be_reached_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestune_tui.tuning.study_client._START_S", 0.2)
    log = tmp_path / "log"
    log.touch()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
    try:
        with pytest.raises(StudyError, match="did not start"):
            await StudyClient._reach(process, tmp_path / "no.sock", log)
        assert await asyncio.wait_for(process.wait(), 10) != 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_a_viewer_that_goes_before_it_is_told_anything_is_worth_no_word(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(20):
        stage.viewers.tell(Notice(level="info", text=f"line {number}"))
    with socket.socket(socket.AF_UNIX) as gone:
        gone.connect(str(stage.path))
    async with await stage.client() as stays:
        assert await anext(stays.events()) is not None
    assert [record.getMessage() for record in caplog.records] == []
