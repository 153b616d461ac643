"""The command line's first word: a subcommand, or a grid for the app. Errors are shown here, once.

Every subcommand lives in a file of its own and is imported only when it is called, so that `--help` costs little.
"""

from __future__ import annotations

import difflib
import io
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module, metadata
from typing import Any

import click

from ingestune_tui.errors import GridError, IngestuneError, UsageError

_COMMANDS = {
    "run": ("ingestune_tui.cli.run", "run", "Run a grid without the app and print what happens."),
    "attach": ("ingestune_tui.cli.app", "attach", "Open the app on a running study."),
    "stop": ("ingestune_tui.cli.stop", "stop", "End a running study cleanly."),
    "check": ("ingestune_tui.cli.check", "check", "Check a grid: cells, time, bytes; nothing is run."),
    "params": ("ingestune_tui.cli.params", "params", "Show what can be tuned."),
    "results": ("ingestune_tui.cli.results", "results", "List studies, or the leaderboard of one."),
    "export": ("ingestune_tui.cli.export", "export", "Write the winner as a .properties file."),
    "report": ("ingestune_tui.cli.results", "report", "Write a study as one web page."),
    "sync": ("ingestune_tui.cli.sync", "sync", "Bring PostgreSQL up to date."),
    "restore": ("ingestune_tui.cli.restore", "restore", "Put changed broker settings back."),
    "doctor": ("ingestune_tui.cli.doctor", "doctor", "Say what works on this machine."),
    "broker": ("ingestune_tui.cli.broker", "broker", "Run a local Kafka in the foreground."),
    "serve": ("ingestune_tui.cli.app", "serve", "Serve the app to a browser."),
    "app": ("ingestune_tui.cli.app", "app", "The app itself: `ingestune [GRID]`."),
}
_HIDDEN = ("app",)


class LazyGroup(click.Group):
    """Knows its commands by name and imports one when it is asked for; a first word that is a grid opens the app."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in _COMMANDS if name not in _HIDDEN]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, attribute, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, text) for name, (_, _, text) in _COMMANDS.items() if name not in _HIDDEN]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        first = next((index for index, arg in enumerate(args) if not arg.startswith("-")), None)
        own = {"--help", "-h", "--version"}
        if not args or (args[0].startswith("-") and args[0] not in own) or (first == 0 and _is_grid(args[0])):
            args = ["app", *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        if word not in _COMMANDS:
            close = difflib.get_close_matches(word, self.list_commands(ctx), 1, 0.5)
            hint = f"Did you mean `ingestune {close[0]}`?" if close else "`ingestune --help` lists the commands."
            raise UsageError(f"there is no command {word[:100]!r}, and it is no grid file", hint)
        return super().resolve_command(ctx, args)


def _is_grid(word: str) -> bool:
    return word not in _COMMANDS and (word.endswith(".toml") or "/" in word)


def _version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"ingestune {metadata.version('ingestune-tui')}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
def cli() -> None:
    """Find the Kafka settings that serve your workload best, on your own cluster, and prove it.

    `ingestune [GRID]` opens the app.
    """


def run(arguments: Sequence[str]) -> int:
    """Run one command; the exit code. Every error a person can meet is shown here and nowhere else."""
    _open_closed_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that cannot show a letter gets a question mark
    try:
        result = _invoke(arguments)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as problem:
        _say(f"{problem.format_message()}\n`ingestune --help` shows how it is used.")
        return 2
    except (click.Abort, KeyboardInterrupt, EOFError):
        return 130
    except BrokenPipeError:  # whoever read our output has enough: that is no error
        return _flushed(0)
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # rich's own answer to it
            return _flushed(0)
        raise
    except IngestuneError as problem:
        _say(str(problem) if isinstance(problem, GridError) else f"{problem.title}: {problem}")
        return problem.exit_code
    except OSError as problem:
        where = f"{problem.filename}: " if problem.filename else ""
        _say(f"{IngestuneError.title}: {where}{problem.strerror or problem}")
        return _flushed(1)
    except Exception as mistake:  # noqa: BLE001  the last resort: a mistake of ours is no reason for a traceback
        return _our_mistake(mistake)
    return _flushed(result if isinstance(result, int) else 0)


def _invoke(arguments: Sequence[str]) -> Any:
    """What click's own `main` does, but for its exit code 1 when a reader closes the pipe."""
    with cli.make_context("ingestune", list(arguments)) as context:
        return cli.invoke(context)


def _our_mistake(mistake: Exception) -> int:
    """Say that ingestune itself is wrong and where; the report in the file names lines, never values."""
    from ingestune_tui.settings import paths
    from ingestune_tui.tui.crash import frames, write_report

    where = (frames(mistake) or ["somewhere"])[-1]
    kept = write_report(mistake, paths().state)
    _say(
        f"ingestune stopped over a mistake of its own: {type(mistake).__name__} at {where}.\n"
        + (f"What happened, without any value in it: {kept}" if kept else "Nothing could be written about it.")
    )
    return 1


def _say(text: str) -> None:
    """On stderr; what would move the cursor or change colours, in a name from a file, is made visible."""
    plain = re.sub(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", lambda found: f"\\x{ord(found[0]):02x}", text)
    if sys.stderr is None:
        return
    try:
        print(plain, file=sys.stderr, flush=True)
    except OSError:
        _silence(2)


def _flushed(code: int) -> int:
    """`code`, or 1 when what was printed cannot be written. A closed pipe changes nothing."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _silence(1)
    except OSError as problem:
        _silence(1)
        if not code:
            _say(f"{IngestuneError.title}: the output cannot be written: {problem.strerror}")
        return code or 1
    return code


def _open_closed_streams() -> None:
    """Point a stream that was closed before the start (`>&-`) nowhere, before a file of ours gets its descriptor."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        try:
            os.fstat(descriptor)
        except OSError:
            _silence(descriptor)
        setattr(sys, name, open(os.devnull, "w" if descriptor else "r", encoding="utf-8"))  # noqa: SIM115  as it was


def _silence(descriptor: int) -> None:
    """Let go of a stream that cannot be written to, so that the interpreter's last flush does not fail too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    if nowhere != descriptor:
        os.close(nowhere)
