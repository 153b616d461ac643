"""One connection to PostgreSQL: its address, its TLS, its limits, and its errors in plain words without any password.

TLS is verified in full unless the server is on this computer or `allow_plaintext = true`. Works behind PgBouncer in
transaction mode: no prepared statement, session setting or lock outlives a transaction, and since even an unnamed
statement takes two trips to the server, whatever asks does so inside one (`in_transaction`).
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlencode, urlsplit, urlunsplit

import asyncpg

from ingestune_tui.errors import SharedCopyError, SharedCopyRefused
from ingestune_tui.secrets import Secret
from ingestune_tui.settings import SharedCopy

T = TypeVar("T")
CONNECT_S: Final = 10.0
COMMAND_S: Final = 60.0
CLOSE_S: Final = 1.0
_VERIFIED: Final = "verify-full"
_WEAK: Final = ("disable", "allow", "prefer", "require", "verify-ca")
# Parameters of libpq's that asyncpg would pass on to the server as settings.
_NOT_SENT: Final = frozenset(
    {"connect_timeout", "channel_binding", "gssencmode", "keepalives", "keepalives_idle", "keepalives_interval",
     "keepalives_count", "tcp_user_timeout", "sslcompression", "application_name", "client_encoding"}
)  # fmt: skip
_AWAY_HINT: Final = "Check its host and port, and that it runs. What is not sent waits here: nothing is lost."
_TLS_HINT: Final = (
    "Give the server's certificate authority with ?sslrootcert=FILE, or accept an unprotected connection with"
    " allow_plaintext = true in config.toml."
)


@dataclass(frozen=True, slots=True)
class Target:
    """A DSN as it will be used."""

    dsn: Secret
    """Without what was read out of it."""
    where: str
    """`host:port/database`, for messages."""
    ssl: ssl.SSLContext | str
    """What protects the connection: a context, or `verify-full` and the like for asyncpg to make one."""
    hidden: tuple[str, ...] = field(default=(), repr=False)
    """Texts that no message may hold."""


def target(shared: SharedCopy) -> Target:
    """Read a DSN. Raises SharedCopyRefused when it is unusable or would go over a network unprotected."""
    text = shared.dsn.reveal().strip()
    try:
        parts = urlsplit(text)
        if parts.scheme not in ("postgres", "postgresql"):
            raise ValueError
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        hosts = [*_hosts(parts.netloc), *query.get("host", "").split(","), *query.get("hostaddr", "").split(",")]
        for port in [host.rpartition(":")[2] for host in _netloc_hosts(parts.netloc) if _has_port(host)]:
            int(port)
    except ValueError:
        raise SharedCopyRefused(
            f"the address in {shared.origin} is not one of PostgreSQL",
            "Write it as postgresql://USER@HOST:5432/DATABASE; in a password, write / as %2F, @ as %40, # as %23.",
        ) from None
    named = [host for host in hosts if host] or [host for host in os.environ.get("PGHOST", "").split(",") if host]
    elsewhere = "service" in query or "PGSERVICE" in os.environ
    root = query.get("sslrootcert", "")
    if root not in ("", "system") and not Path(root).expanduser().is_file():
        raise SharedCopyRefused(f"sslrootcert in {shared.origin} names {root}, which is no file")
    nearby = not elsewhere and all(map(_is_loopback, named))
    mode = query.pop("sslmode", "") or ("" if elsewhere else os.environ.get("PGSSLMODE", ""))
    database = unquote(parts.path.lstrip("/")) or query.get("dbname") or query.get("database") or ""
    where = f"{','.join(named) or 'this computer'}{f'/{database}' if database else ''}"
    if nearby or shared.allow_plaintext:
        protection: ssl.SSLContext | str = mode or "prefer"
    elif mode in _WEAK:
        raise SharedCopyRefused(
            f"sslmode={mode} in {shared.origin} would not make sure that it is {where} who answers",
            f"Leave sslmode out, or write sslmode={_VERIFIED}. {_TLS_HINT}",
        )
    else:
        protection = _verified(query, shared.origin)
    kept = {name: value for name, value in query.items() if name not in _NOT_SENT}
    usable = urlunsplit(parts._replace(query=urlencode(kept, quote_via=quote), fragment=""))
    return Target(Secret(usable), where, protection, _hidden(text, parts.netloc, query))


def _netloc_hosts(netloc: str) -> list[str]:
    return [host for host in netloc.rpartition("@")[2].split(",") if host]


def _has_port(host: str) -> bool:
    return ":" in host.rpartition("]")[2]


def _hosts(netloc: str) -> list[str]:
    hosts = []
    for host in _netloc_hosts(netloc):
        name = host[: host.rindex(":")] if _has_port(host) else host
        hosts.append(unquote(name.strip("[]")))
    return hosts


def _is_loopback(host: str) -> bool:
    if host.startswith("/") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _verified(query: dict[str, str], origin: str) -> ssl.SSLContext | str:
    """asyncpg looks for libpq's root file and nowhere else; without one, the system's authorities are asked."""
    root = query.get("sslrootcert") or os.environ.get("PGSSLROOTCERT", "")
    if root and root != "system":
        return _VERIFIED
    if not root and (Path.home() / ".postgresql" / "root.crt").is_file():
        return _VERIFIED
    query.pop("sslrootcert", None)
    context = ssl.create_default_context()
    certificate, key = query.pop("sslcert", None), query.pop("sslkey", None)
    if certificate:
        try:
            context.load_cert_chain(certificate, key, query.pop("sslpassword", None))
        except OSError as problem:
            raise SharedCopyRefused(f"sslcert in {origin} cannot be used: {problem.strerror or problem}") from None
    return context


def _hidden(text: str, netloc: str, query: dict[str, str]) -> tuple[str, ...]:
    credentials = netloc.rpartition("@")[0]
    passwords = {credentials.partition(":")[2], query.get("password", ""), query.get("sslpassword", "")}
    passwords |= {unquote(password) for password in passwords}
    passwords |= {os.environ.get("PGPASSWORD", "")}
    passwords |= {quoted for password in passwords for quoted in (quote(password, safe=""), quote_plus(password))}
    return (text, *sorted(filter(None, passwords), key=len, reverse=True))


async def connect(shared: SharedCopy, *, program: str = "ingestune") -> asyncpg.Connection:
    """An open connection, within CONNECT_S seconds. Raises SharedCopyError, and SharedCopyRefused."""
    chosen = target(shared)
    try:
        async with asyncio.timeout(CONNECT_S):
            return await asyncpg.connect(
                chosen.dsn.reveal(),
                ssl=chosen.ssl,
                timeout=CONNECT_S,
                statement_cache_size=0,
                server_settings={"application_name": program},
            )
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as problem:
        raise explain(problem, chosen) from None


async def within(connection: asyncpg.Connection, work: Coroutine[Any, Any, T], seconds: float = COMMAND_S) -> T:
    """The result of `work`, or TimeoutError; a server that stays silent is cut off, which no query outlives."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait((task,), timeout=seconds)
        if not task.done():
            connection.terminate()
            await asyncio.wait((task,))
            if task.exception() is not None:
                raise TimeoutError
    except asyncio.CancelledError:
        connection.terminate()
        await asyncio.wait((task,))
        task.exception()
        raise
    return task.result()


async def in_transaction(connection: asyncpg.Connection, work: Callable[[], Awaitable[T]]) -> T:
    """The result of `work`, committed."""
    async with connection.transaction():
        return await work()


async def close(connection: asyncpg.Connection) -> None:
    """Say goodbye, or cut the line when nobody listens."""
    try:
        await connection.close(timeout=CLOSE_S)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()


async def probe(shared: SharedCopy, *, program: str = "ingestune doctor") -> str:
    """The server's version, as `doctor` shows it. Raises SharedCopyError."""
    connection = await connect(shared, program=program)
    try:
        asking = in_transaction(connection, lambda: connection.fetchval("show server_version"))
        return str(await within(connection, asking, CONNECT_S))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as problem:
        raise explain(problem, target(shared)) from None
    finally:
        await close(connection)


def redact(text: str, chosen: Target) -> str:
    """`text` without anything that is secret."""
    for secret in chosen.hidden:
        text = text.replace(secret, "***")
    return text


def explain(problem: BaseException, chosen: Target) -> SharedCopyError:
    """What went wrong with the server, and whether waiting may mend it (SharedCopyError) or not (SharedCopyRefused)."""
    where = chosen.where
    said = redact(str(problem).strip(), chosen).splitlines()[0] if str(problem).strip() else type(problem).__name__
    code = getattr(problem, "sqlstate", None) or ""
    match problem:
        case SharedCopyError():
            return problem
        case ssl.SSLError():
            return SharedCopyRefused(f"the certificate of PostgreSQL at {where} is not accepted: {said}", _TLS_HINT)
        case TimeoutError():
            return SharedCopyError(f"PostgreSQL at {where} does not answer", _AWAY_HINT)
        case ConnectionError() if "rejected SSL" in said:
            return SharedCopyRefused(f"PostgreSQL at {where} offers no TLS", _TLS_HINT)
        case asyncpg.ClientConfigurationError() | ValueError() if not code:
            return SharedCopyRefused(f"the address of PostgreSQL cannot be used: {said}")
        case OSError():
            reason = problem.strerror or said
            return SharedCopyError(f"PostgreSQL at {where} cannot be reached: {reason}", _AWAY_HINT)
        case asyncpg.InterfaceError():
            return SharedCopyError(f"the connection to PostgreSQL at {where} was lost")
    if code.startswith("28"):
        return SharedCopyRefused(
            f"PostgreSQL at {where} does not let this user in: {said}",
            "Check the user, and the password in INGESTUNE_POSTGRES, the file it stands in, or ~/.pgpass.",
        )
    if code == "3D000":
        return SharedCopyRefused(f"PostgreSQL at {where}: {said}", "Make it with createdb, or name another one.")
    if code == "42501":
        return SharedCopyRefused(
            f"PostgreSQL at {where} denies a right: {said}",
            "Once, somebody who may: create schema ingestune authorization THIS_USER; docs/postgres.md has the grants.",
        )
    if code in ("53100", "53400"):
        return SharedCopyError(f"the disk of PostgreSQL at {where} is full: {said}")
    if code == "25006":
        return SharedCopyError(f"PostgreSQL at {where} can only be read at present (a standby?)")
    if code.startswith(("08", "57P")) or not code:
        return SharedCopyError(f"PostgreSQL at {where} ended the connection: {said}")
    return SharedCopyError(f"PostgreSQL at {where}: {said}")


def row_is_at_fault(problem: BaseException) -> bool:
    """True when a value broke a rule of its table: another row may well be taken."""
    code = getattr(problem, "sqlstate", None) or ""
    return code.startswith(("22", "23", "54", "P0")) or isinstance(problem, asyncpg.DataError)
