"""One login out of Kafka's `sasl.jaas.config`, and the same text built from a login. Pure.

Only the two login modules that carry a name and a password are understood. No error holds a piece of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ingestune_tui.errors import ConfigError

_PLAIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"
_SCRAM_MODULE = "org.apache.kafka.common.security.scram.ScramLoginModule"
_TOKEN = re.compile(
    r"""\s*(?:(?P<comment>//[^\n]*|/\*.*?\*/)|"(?P<double>(?:[^"\\\n]|\\.)*)"|'(?P<single>(?:[^'\\\n]|\\.)*)'"""
    r"""|(?P<sign>[=;])|(?P<word>[^\s=;"'/]+))""",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\([0-3]?[0-7]{1,2}|.)", re.DOTALL)
_NAMED = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "b": "\b", "a": "\a", "v": "\v"}
_HINT = 'It reads like: ...PlainLoginModule required username="name" password="word";'


@dataclass(frozen=True, slots=True)
class Login:
    """What a login module is given."""

    username: str
    """The name."""
    password: str = field(repr=False)
    """The word; its holder wraps it at once."""
    plain: bool
    """PLAIN's module, not SCRAM's."""


def read_jaas(text: str) -> Login:
    """The one login of a sasl.jaas.config. Raises ConfigError that shows nothing of it but the module's name."""
    tokens = _tokens(text)
    if len(tokens) < 3 or tokens[-1] != ("sign", ";"):
        raise _unreadable()
    module = tokens[0][1]
    if module not in (_PLAIN_MODULE, _SCRAM_MODULE):
        named = module if re.fullmatch(r"([A-Za-z0-9_$]+\.)+[A-Za-z0-9_$]*LoginModule", module) else "of this file"
        raise ConfigError(
            f"sasl.jaas.config: the login module {named} is refused",
            "PlainLoginModule and ScramLoginModule can be used.",
        )
    options = _options(tokens[2:-1])
    if options.get("tokenauth", "false").lower() == "true":
        raise ConfigError(
            "sasl.jaas.config: delegation tokens (tokenauth) cannot be used", "Log in with name and password."
        )
    if "username" not in options or "password" not in options:
        raise ConfigError("sasl.jaas.config lacks a username or a password", _HINT)
    return Login(options["username"], options["password"], module == _PLAIN_MODULE)


def build_jaas(mechanism: str, username: str, password: str) -> str:
    """A sasl.jaas.config with everything in it escaped."""
    module = _PLAIN_MODULE if mechanism.upper() == "PLAIN" else _SCRAM_MODULE
    return f'{module} required username="{_escape(username)}" password="{_escape(password)}";'


def _escape(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return escaped.replace("\n", "\\n").replace("\r", "\\r")


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _unreadable()
        at = match.end()
        kind = str(match.lastgroup)
        if kind in ("double", "single"):
            found.append(("text", _ESCAPE.sub(_character, match[kind])))
        elif kind != "comment":
            found.append((kind, match[kind]))
    return found


def _character(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code, 8)) if code[0] in "01234567" else _NAMED.get(code, code)


def _options(tokens: list[tuple[str, str]]) -> dict[str, str]:
    if ("sign", ";") in tokens:
        raise ConfigError("sasl.jaas.config holds more than one login", "Leave the one that this cluster needs.")
    if len(tokens) % 3:
        raise _unreadable()
    options: dict[str, str] = {}
    for at in range(0, len(tokens), 3):
        name, sign, value = tokens[at : at + 3]
        if sign != ("sign", "=") or name[0] == "sign" or value[0] == "sign":
            raise _unreadable()
        options[name[1]] = value[1]
    return options


def _unreadable() -> ConfigError:
    return ConfigError("sasl.jaas.config cannot be understood", _HINT)
