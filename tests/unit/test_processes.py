"""A child process cannot outlive its owner, block it, or fill its memory."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from ingestune_tui.processes import OwnedProcess

READY = "print('ready', flush=True)\n"
STUBBORN = f"import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{READY}time.sleep(600)"


def python(code: str, **options: float) -> OwnedProcess:
    return OwnedProcess([sys.executable, "-c", code], **options)  # type: ignore[arg-type]


def is_gone(pid: int) -> bool:
    """Reaped, not merely dead: a zombie is still there."""
    return not psutil.pid_exists(pid)


def wait_gone(pid: int, timeout_s: float = 10.0) -> bool:
    """For processes that are not our children, and so reaped by somebody else: being a zombie is enough."""
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return True
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
            process.wait(0.05)
            return True
        except psutil.NoSuchProcess:
            return True
        except psutil.TimeoutExpired:
            continue
    return False


async def test_what_goes_in_comes_out_and_the_code_is_told() -> None:
    async with python("import sys; print(sys.stdin.readline().upper(), end=''); sys.exit(7)") as process:
        process.stdin.write(b"hello\n")
        assert await process.stdout.readline() == b"HELLO\n"
        assert await process.wait() == 7


async def test_a_child_ends_when_its_stdin_closes() -> None:
    async with python(f"import sys\n{READY}sys.stdin.read()") as process:
        await process.stdout.readline()
        pid = process.pid
    assert is_gone(pid)
    assert process.returncode in (0, -signal.SIGTERM)


async def test_one_that_ignores_everything_is_killed_after_its_grace() -> None:
    async with python(STUBBORN, grace_s=0.2) as process:
        await process.stdout.readline()
    assert process.returncode == -signal.SIGKILL
    assert is_gone(process.pid)


async def test_its_own_children_end_with_it() -> None:
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
        "sys.stdin.read()"
    )
    async with python(code) as process:
        grandchild = int(await process.stdout.readline())
    assert wait_gone(grandchild)


async def test_much_stderr_neither_blocks_it_nor_is_kept_whole() -> None:
    code = "import sys\nfor i in range(20000): print('x' * 50, i, file=sys.stderr)\nsys.stderr.write('y' * 1000000)"
    async with python(code, stderr_lines=10) as process:
        assert await asyncio.wait_for(process.wait(), 20) == 0
        tail = process.stderr_tail().splitlines()
    assert len(tail) == 10
    assert tail[-2].endswith(" 19999")
    assert tail[-1] == "y" * 500


async def test_a_child_with_more_to_say_at_its_end_than_a_pipe_holds_needs_no_kill() -> None:
    code = (
        "import signal, sys\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"{READY}sys.stdin.read()\nsys.stdout.write('x' * 10_000_000)"
    )
    async with python(code, grace_s=20) as process:
        await process.stdout.readline()
    assert process.returncode == 0
    assert is_gone(process.pid)


async def test_cancelling_the_owner_ends_the_child() -> None:
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def own() -> None:
        async with python(STUBBORN, grace_s=0.1) as process:
            await process.stdout.readline()
            started.set_result(process.pid)
            await process.wait()

    owner = asyncio.create_task(own())
    pid = await started
    owner.cancel()
    with pytest.raises(asyncio.CancelledError):
        await owner
    assert is_gone(pid)


async def test_cancelling_while_it_ends_kills_at_once() -> None:
    process = python(STUBBORN, grace_s=60)
    await process.__aenter__()
    await process.stdout.readline()
    ending = asyncio.create_task(process.stop())
    await asyncio.sleep(0)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert is_gone(process.pid)


async def test_stopping_twice_is_stopping_once() -> None:
    async with python(f"import sys\n{READY}sys.stdin.read()") as process:
        await process.stdout.readline()
        assert await process.stop() == await process.stop()


async def test_a_program_that_is_not_there_raises_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        async with OwnedProcess([tmp_path / "no-such-program"]):
            pass


async def test_ctrl_c_in_the_terminal_does_not_reach_the_child() -> None:
    async with python(f"import sys\n{READY}sys.stdin.read()") as process:
        await process.stdout.readline()
        assert os.getpgid(process.pid) == process.pid != os.getpgid(0)


def test_a_child_that_reads_its_stdin_does_not_outlive_a_killed_owner() -> None:
    owner = (
        "import asyncio, sys\n"
        "from ingestune_tui.processes import OwnedProcess\n"
        "async def main():\n"
        "    async with OwnedProcess([sys.executable, '-c', 'import sys; sys.stdin.read()']) as child:\n"
        "        print(child.pid, flush=True)\n"
        "        await child.wait()\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", owner], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.kill()
    assert wait_gone(child)
