"""Every error a person can meet, in one tree. Raised where it happens, shown once at the edge (cli or tui).

IngestuneError                exit 1
├── UsageError                exit 2   the command line, or an option's value
├── GridError                 exit 2   a grid file; holds every problem at once
├── NeedsTerminal             exit 2   the app was started without one
├── Refused                   exit 2   what ingestune will not do unasked
├── ConfigError               exit 2   config.toml, environment or a client.properties
├── ClusterError              exit 1   a broker said no, or nothing at all
│   ├── ClusterUnreachable
│   └── LocalBrokerError               Java, the jars, or a broker of ours that did not start
├── StoreError                exit 1   the SQLite file
│   └── NewerStoreError
├── StudyError                exit 1   a study that is owned, missing or cannot go on
│   └── StudyInterrupted               what ends it now and not for good: the same command goes on with it
├── TrialError                exit 1   one measurement failed
├── SharedCopyError           exit 1   PostgreSQL
│   ├── SharedCopyRefused              what waiting does not mend: a password, a right, a newer schema
│   └── SharedCopyUnequal              rows that one side would not take, or that differ
└── ExportError               exit 1   a file that could not be written
"""

from __future__ import annotations

from dataclasses import dataclass


class IngestuneError(Exception):
    """What happened, to what, and what to do next. `what` never holds a secret."""

    title = "ingestune could not go on"
    exit_code = 1

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what}\n{self.hint}" if self.hint else self.what


class UsageError(IngestuneError):
    title = "That cannot be asked for"
    exit_code = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a grid."""

    path: str
    """Where: a key path such as `producer."linger.ms"[2]`, or `line 3, column 7`."""
    what: str
    """What is wrong, in one sentence."""
    hint: str = ""
    """What to do about it; may be empty."""

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        return f"{where}{self.what}" + (f" ({self.hint})" if self.hint else "")


class GridError(IngestuneError):
    """A grid that cannot be run. `problems` lists everything wrong with it, in file order."""

    title = "The grid has problems"
    exit_code = 2

    def __init__(self, problems: tuple[Problem, ...], source: str = "the grid") -> None:
        self.problems = problems
        self.source = source
        lines = "\n".join(f"  {problem}" for problem in problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"{source} has {count}:\n{lines}")


class NeedsTerminal(IngestuneError):
    title = "The app needs a terminal"
    exit_code = 2


class Refused(IngestuneError):
    title = "Refused"
    exit_code = 2


class ConfigError(IngestuneError):
    title = "The configuration cannot be used"
    exit_code = 2


class ClusterError(IngestuneError):
    title = "The cluster said no"


class ClusterUnreachable(ClusterError):
    title = "The cluster does not answer"


class LocalBrokerError(ClusterError):
    title = "The local Kafka did not start"


class StoreError(IngestuneError):
    title = "The results database cannot be used"


class NewerStoreError(StoreError):
    title = "The results database is newer than this ingestune"


class StudyError(IngestuneError):
    title = "The study cannot go on"


class StudyInterrupted(StudyError):
    title = "The study was interrupted"


class TrialError(IngestuneError):
    """One measurement that failed. `code` is Kafka's own error name where there is one."""

    title = "The trial failed"

    def __init__(self, what: str, hint: str = "", *, code: str = "") -> None:
        super().__init__(what, hint)
        self.code = code


class SharedCopyError(IngestuneError):
    title = "The PostgreSQL copy cannot be reached"


class SharedCopyRefused(SharedCopyError):
    title = "PostgreSQL does not let ingestune in"


class SharedCopyUnequal(SharedCopyError):
    title = "The shared copy needs attention"


class ExportError(IngestuneError):
    title = "The file could not be written"
