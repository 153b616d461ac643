"""Where things are kept and what was configured: flags, then the environment, then config.toml, then defaults.

`load()` reads; nothing here writes but `remember`, which keeps the last choice of the app's first screen.
Secrets come out as `Secret`; every value knows where it came from, so that `doctor` and errors can say it.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import platformdirs
import tomli

from ingestune_tui.errors import ConfigError
from ingestune_tui.secrets import Secret

APP: Final = "ingestune"
MAX_CONFIG_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Paths:
    """Every place ingestune keeps something. `INGESTUNE_HOME` moves all of them but the runtime directory."""

    data: Path
    """results.db and its backups."""
    config: Path
    """config.toml, theme and key map."""
    cache: Path
    """Compiled Java child and other things that can be made again."""
    state: Path
    """What the app remembers, and logs of detached studies."""
    runtime: Path
    """Unix sockets; only this user may enter."""

    @property
    def database(self) -> Path:
        """The SQLite file unless `--database` says otherwise."""
        return self.data / "results.db"

    @property
    def config_file(self) -> Path:
        return self.config / "config.toml"


@dataclass(frozen=True, slots=True)
class SharedCopy:
    """The PostgreSQL to sync to."""

    dsn: Secret
    allow_plaintext: bool
    origin: str
    """Where the DSN came from: `INGESTUNE_POSTGRES` or the config file's path."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All that was configured, read once at start."""

    paths: Paths
    database: Path
    cluster: str | None = None
    """`local`, `simulated` or an address; None when nobody said."""
    command_config: Path | None = None
    topic_prefix: str = "ingestune"
    shared_copy: SharedCopy | None = None
    cache_days: float = 7.0
    refresh_hz: float | None = None
    """Redraws a second; None lets the app choose (2, or 1 over SSH)."""
    theme: str | None = None
    keymap: Mapping[str, str] | None = None


class _Config(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    cluster: str | None = None
    command_config: str | None = None
    topic_prefix: str | None = None
    postgres: str | None = None
    postgres_file: str | None = None
    allow_plaintext: bool = False
    database: str | None = None
    cache_days: float | None = None
    refresh: float | None = None
    theme: str | None = None
    keys: dict[str, str] = {}


def paths(environment: Mapping[str, str] = os.environ) -> Paths:
    """The directories, none of them created yet."""
    if home := environment.get("INGESTUNE_HOME"):
        base = at_home(home, "INGESTUNE_HOME").absolute()
        return Paths(base, base, base / "cache", base / "state", _runtime(environment))
    return Paths(
        Path(platformdirs.user_data_dir(APP, False)),
        Path(platformdirs.user_config_dir(APP, False)),
        Path(platformdirs.user_cache_dir(APP, False)),
        Path(platformdirs.user_state_dir(APP, False)),
        _runtime(environment),
    )


def _runtime(environment: Mapping[str, str]) -> Path:
    """A short path: a Unix socket's address has about 100 characters."""
    if directory := environment.get("XDG_RUNTIME_DIR"):
        return Path(directory) / APP
    return Path(tempfile.gettempdir()) / f"{APP}-{os.getuid()}"


def load(
    *,
    database: str | None = None,
    cluster: str | None = None,
    command_config: str | None = None,
    topic_prefix: str | None = None,
    refresh_hz: float | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Settings:
    """Settings from flags, environment and config.toml. Raises ConfigError naming the file and the key."""
    where = paths(environment)
    config = _read_config(where.config_file)
    chosen = database or environment.get("INGESTUNE_DATABASE") or config.database
    command = command_config or environment.get("INGESTUNE_COMMAND_CONFIG") or config.command_config
    prefix = topic_prefix or environment.get("INGESTUNE_TOPIC_PREFIX") or config.topic_prefix or "ingestune"
    _check_prefix(prefix)
    if config.cache_days is not None and not 0 <= config.cache_days <= 3650:
        raise ConfigError(f"{where.config_file}: cache_days must lie between 0 and 3650")
    refresh = refresh_hz if refresh_hz is not None else config.refresh
    if refresh is not None and not 0.1 <= refresh <= 30:
        raise ConfigError(f"refresh is {refresh:g}, and must lie between 0.1 and 30 redraws a second")
    return Settings(
        paths=where,
        database=at_home(chosen, "the database").absolute() if chosen else where.database,
        cluster=cluster or environment.get("INGESTUNE_CLUSTER") or config.cluster,
        command_config=at_home(command, "the command config").absolute() if command else None,
        topic_prefix=prefix,
        shared_copy=_shared_copy(config, where, environment),
        cache_days=7.0 if config.cache_days is None else config.cache_days,
        refresh_hz=refresh,
        theme=config.theme,
        keymap=config.keys or None,
    )


def at_home(text: str, what: str) -> Path:
    """A path with its `~` filled in."""
    try:
        return Path(text).expanduser()
    except RuntimeError as problem:
        raise ConfigError(f"{what} is {text}, and there is no such home directory") from problem


def _check_prefix(prefix: str) -> None:
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    if not 0 < len(prefix) <= 100 or not set(prefix) <= allowed:
        raise ConfigError(
            f"the topic prefix {prefix[:100]!r} cannot begin a topic's name",
            "Use up to 100 letters, digits, dots, dashes and underscores.",
        )


def _read_config(path: Path) -> _Config:
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise ConfigError(f"{path} is larger than 1 MB, which no configuration is")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return _Config()
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"{path} cannot be read: {problem}") from problem
    try:
        return msgspec.convert(tomli.loads(text), _Config)
    except (ValueError, msgspec.ValidationError, RecursionError) as problem:
        raise ConfigError(f"{path}: {problem}", "The README lists what may stand in it.") from problem


def _shared_copy(config: _Config, where: Paths, environment: Mapping[str, str]) -> SharedCopy | None:
    if dsn := environment.get("INGESTUNE_POSTGRES"):
        return SharedCopy(Secret(dsn), config.allow_plaintext, "INGESTUNE_POSTGRES")
    if config.postgres_file:
        path = at_home(config.postgres_file, "postgres_file")
        try:
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise ConfigError(f"{path} can be read by others", f"It may hold a password: chmod 600 {path}")
            return SharedCopy(Secret(path.read_text(encoding="utf-8").strip()), config.allow_plaintext, str(path))
        except OSError as problem:
            raise ConfigError(f"{path} (postgres_file) cannot be read: {problem.strerror}") from problem
        except UnicodeDecodeError:  # not chained: it carries what the file holds
            raise ConfigError(f"{path} (postgres_file) is not text in UTF-8") from None
    if config.postgres:
        if _holds_password(config.postgres):
            raise ConfigError(
                f"{where.config_file} holds a password in `postgres`",
                "Put the address in a file of yours alone (chmod 600) and name it with `postgres_file`,"
                " or keep the password in INGESTUNE_POSTGRES or ~/.pgpass.",
            )
        return SharedCopy(Secret(config.postgres), config.allow_plaintext, str(where.config_file))
    return None


def _holds_password(dsn: str) -> bool:
    """config.toml is read by backups, dotfile repositories and colleagues."""
    credentials, _, _ = dsn.partition("://")[2].partition("?")[0].rpartition("@")
    return bool(credentials.partition(":")[2]) or "password=" in dsn.partition("?")[2]


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """What the app's first screen preselects. Holds addresses and paths, never a secret."""

    cluster: str = ""
    command_config: str = ""
    clusters: tuple[tuple[str, str], ...] = ()
    """(address, path of its properties file or empty) of external clusters, newest first."""
    grid: str = ""
    recent: tuple[str, ...] = ()
    """Paths of grid files, newest first."""
    theme: str = ""


def recall(where: Paths) -> Remembered:
    """What was remembered; nothing at all when the file is missing or unreadable, since it only saves keystrokes."""
    try:
        return msgspec.json.decode((where.state / "remembered.json").read_bytes(), type=Remembered)
    except (OSError, msgspec.DecodeError):
        return Remembered()


def remember(where: Paths, remembered: Remembered) -> None:
    """Keep it for the next start, atomically."""
    private_directory(where.state)
    path = where.state / "remembered.json"
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_bytes(msgspec.json.encode(remembered))
    temporary.replace(path)


def private_directory(path: Path) -> Path:
    """Make a directory that only this user may enter. Raises ConfigError when it belongs to someone else."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        owner: Any = path.stat()
    except OSError as problem:
        raise ConfigError(
            f"{path} cannot be made: {problem.strerror}", "INGESTUNE_HOME moves it elsewhere."
        ) from problem
    if owner.st_uid != os.getuid():
        raise ConfigError(
            f"{path} belongs to another user",
            "Set XDG_RUNTIME_DIR or INGESTUNE_HOME to a directory of yours.",
        )
    return path


def ready_grids() -> Path:
    """The directory of ready grids: beside the package in a checkout, inside it when installed."""
    inside = Path(__file__).parent / "ready_grids"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "grids"
