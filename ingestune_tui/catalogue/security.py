"""How to be let in to a cluster: a client.properties in either dialect -> librdkafka's words, and back to Java's. Pure.

A password or key is a Secret as soon as it is read, and no error or note ever holds a value. What would load or run
code, or fetch tokens, is refused by name.
"""

from __future__ import annotations

import fnmatch
import shlex
from collections.abc import Mapping
from pathlib import PurePath

from ingestune_tui.catalogue.jaas import build_jaas, read_jaas
from ingestune_tui.catalogue.properties_text import read_properties
from ingestune_tui.errors import ConfigError
from ingestune_tui.secrets import Secret

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_REFUSED = (
    "plugin.library.paths",
    "sasl.kerberos.kinit.cmd",
    "*.callback.*",
    "*.class",
    "*.classes",
    "*.reporters",
    "sasl.oauthbearer.*",
    "enable.sasl.oauthbearer.*",
    "ssl.engine.*",
    "ssl.provider",
    "ssl.providers",
    "security.providers",
    "config.providers",
    "config.providers.*",
    "ssl_engine_*",
    "*_cb",
)
_LOGGING = ("debug", "log_level", "log.*", "statistics.interval.ms")
_PLAIN = frozenset(
    [
        "sasl.username",
        "ssl.ca.location",
        "ssl.certificate.location",
        "ssl.certificate.pem",
        "ssl.key.location",
        "ssl.crl.location",
        "ssl.ca.pem",
        "ssl.curves.list",
        "ssl.sigalgs.list",
        "broker.address.family",
        "client.dns.lookup",
    ]
)
_SECRET = frozenset(["sasl.password", "ssl.key.password", "ssl.key.pem"])
_WHY_NOT = {
    "ssl.protocol": "the TLS version is agreed with the broker",
    "ssl.enabled.protocols": "the TLS version is agreed with the broker",
    "ssl.cipher.suites": "Java and OpenSSL name ciphers differently",
    "ssl.keymanager.algorithm": "it is Java's own",
    "ssl.trustmanager.algorithm": "it is Java's own",
    "ssl.secure.random.implementation": "it is Java's own",
    "client.id": "ingestune connects under its own name",
    "group.id": "ingestune's consumers have their own groups",
}
_STORES = ("ssl.truststore.", "ssl.keystore.")


def is_security(name: str) -> bool:
    """Whether a property says how to connect rather than how to work."""
    return name.startswith(("sasl.", "ssl.", "security.", "enable.ssl.", "config.providers"))


def client_properties(text: str) -> tuple[dict[str, str | Secret], list[str]]:
    """The security properties, by librdkafka's names, of a client.properties of either dialect; and what was left out.

    Raises ConfigError for what cannot be used here: Java keystores, other mechanisms, options that run code.
    """
    try:
        given = read_properties(text)
    except ValueError as problem:
        raise ConfigError(f"The client properties cannot be read: {problem}") from None
    given = {name.strip(): value.strip() if name not in _SECRET else value for name, value in given.items()}
    _refuse_code(given)
    config: dict[str, str | Secret] = {}
    notes: list[str] = []
    for name, value in given.items():
        if name in _SECRET:
            config[name] = Secret(value)
        elif name in _PLAIN:
            config[name] = value
        elif not _read_special(name, value, config) and not name.startswith(_STORES):
            notes.append(_note(name))
    _read_truststore(given, config, notes)
    _read_keystore(given, config, notes)
    _check_sasl(config, notes)
    _check_module(given, config)
    return config, notes


def _refuse_code(given: Mapping[str, str]) -> None:
    for name in given:
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in _REFUSED):
            raise ConfigError(
                f"{_shown(name)} is refused: it would load or run code, or fetch a token",
                f"Remove it. Of SASL, ingestune speaks {', '.join(MECHANISMS)}; TLS client certificates work too.",
            )


def _read_special(name: str, value: str, config: dict[str, str | Secret]) -> bool:
    """Properties whose value is checked or changed; False for any other."""
    match name:
        case "security.protocol":
            config[name] = _one_of(name, value.upper(), _PROTOCOLS)
        case "sasl.mechanism" | "sasl.mechanisms":
            config["sasl.mechanisms"] = _one_of(name, value.upper(), MECHANISMS)
        case "ssl.endpoint.identification.algorithm":
            config[name] = "none" if value == "" else _one_of(name, value.lower(), ("https", "none"))
        case "enable.ssl.certificate.verification":
            config[name] = _one_of(name, value.lower(), ("true", "false"))
        case "sasl.jaas.config":
            login = read_jaas(value)
            config["sasl.username"], config["sasl.password"] = login.username, Secret(login.password)
            if login.plain:
                config.setdefault("sasl.mechanisms", "PLAIN")
        case _:
            return False
    return True


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value in known:
        return value
    raise ConfigError(
        f"{name} in the client properties is not one that ingestune can use", f"It takes {', '.join(known)}."
    )


def _note(name: str) -> str:
    shown = _shown(name)
    if name in ("bootstrap.servers", "metadata.broker.list"):
        return f"{shown} is ignored: the address is the one given with --cluster"
    if any(fnmatch.fnmatchcase(name, pattern) for pattern in _LOGGING):
        return f"{shown} is ignored: ingestune does its own logging, and debug output may hold passwords"
    why = _WHY_NOT.get(name)
    if why is None and is_security(name):
        why = "it has no counterpart here"
    return f"{shown} is ignored: {why or 'it says nothing about how to connect; settings to tune stand in the grid'}"


def _read_truststore(given: Mapping[str, str], config: dict[str, str | Secret], notes: list[str]) -> None:
    if pem := given.get("ssl.truststore.certificates"):
        config["ssl.ca.pem"] = pem
    location = given.get("ssl.truststore.location")
    if location is None:
        return
    if _store_type(given, "ssl.truststore", location) != "PEM":
        store = _quoted(location)
        raise ConfigError(
            f"The truststore {_shown(location)} is a Java keystore, which librdkafka cannot read",
            "Convert it once, and put ssl.ca.location=ca.pem in place of the ssl.truststore lines:\n"
            f"  keytool -importkeystore -srckeystore {store} -destkeystore trust.p12 -deststoretype PKCS12\n"
            "  openssl pkcs12 -in trust.p12 -nokeys -out ca.pem",
        )
    config["ssl.ca.location"] = location
    if "ssl.truststore.password" in given:
        notes.append("ssl.truststore.password is ignored: a PEM file of certificates has none")


def _read_keystore(given: Mapping[str, str], config: dict[str, str | Secret], notes: list[str]) -> None:
    if chain := given.get("ssl.keystore.certificate.chain"):
        config["ssl.certificate.pem"] = chain
    if key := given.get("ssl.keystore.key"):
        config["ssl.key.pem"] = Secret(key)
    location = given.get("ssl.keystore.location")
    if location is None:
        return
    match _store_type(given, "ssl.keystore", location):
        case "PEM":
            config["ssl.certificate.location"] = config["ssl.key.location"] = location
            if "ssl.keystore.password" in given:
                notes.append("ssl.keystore.password is ignored: the key of a PEM file has ssl.key.password")
        case "PKCS12":
            config["ssl.keystore.location"] = location
            if (password := given.get("ssl.keystore.password")) is not None:
                config["ssl.keystore.password"] = Secret(password)
        case _:
            store = _quoted(location)
            raise ConfigError(
                f"The keystore {_shown(location)} is a Java keystore, which librdkafka cannot read",
                "Convert it once, and put ssl.keystore.type=PEM and ssl.keystore.location=client.pem in its place:\n"
                f"  keytool -importkeystore -srckeystore {store} -destkeystore client.p12 -deststoretype PKCS12\n"
                "  openssl pkcs12 -in client.p12 -nodes -out client.pem && chmod 600 client.pem",
            )


def _store_type(given: Mapping[str, str], store: str, location: str) -> str:
    """PEM, PKCS12 or JKS: as the file says, else by the name of the store."""
    if said := given.get(f"{store}.type"):
        return said.upper()
    ending = PurePath(location).suffix.lower()
    if ending in (".pem", ".crt", ".cer"):
        return "PEM"
    return "PKCS12" if ending in (".p12", ".pfx") else "JKS"


def _check_sasl(config: Mapping[str, str | Secret], notes: list[str]) -> None:
    """Half a login is refused here, where its file is known, and not as a failed connection later."""
    protocol = str(config.get("security.protocol", "PLAINTEXT"))
    if not protocol.startswith("SASL"):
        if "sasl.username" in config:
            notes.append(f"the SASL login is not used: security.protocol is {protocol}")
        if protocol == "PLAINTEXT" and any(name.startswith("ssl.") for name in config):
            notes.append("the TLS settings are not used: security.protocol is PLAINTEXT")
        return
    missing = [name for name in ("sasl.mechanisms", "sasl.username", "sasl.password") if name not in config]
    if missing:
        raise ConfigError(
            f"security.protocol={protocol} needs more: {', '.join(missing)}",
            f"Give sasl.mechanism ({', '.join(MECHANISMS)}) and sasl.jaas.config, or sasl.username and sasl.password.",
        )


def _check_module(given: Mapping[str, str], config: Mapping[str, str | Secret]) -> None:
    jaas = given.get("sasl.jaas.config")
    if jaas is not None and read_jaas(jaas).plain != (config.get("sasl.mechanisms", "PLAIN") == "PLAIN"):
        raise ConfigError(
            "sasl.jaas.config and sasl.mechanism do not go together",
            "PlainLoginModule goes with PLAIN, ScramLoginModule with SCRAM-SHA-256 and SCRAM-SHA-512.",
        )


def java_security(config: Mapping[str, str | Secret]) -> dict[str, str | Secret]:
    """librdkafka's security properties as a Java client takes them. Raises ConfigError for what Java cannot do."""
    written: dict[str, str | Secret] = {}
    for name in ("security.protocol", "client.dns.lookup", "ssl.key.password"):
        if name in config:
            written[name] = config[name]
    mechanism = str(config.get("sasl.mechanisms", config.get("sasl.mechanism", "")))
    if mechanism and str(config.get("security.protocol", "")).upper().startswith("SASL"):
        written["sasl.mechanism"] = mechanism
        written["sasl.jaas.config"] = Secret(
            build_jaas(mechanism, _reveal(config.get("sasl.username", "")), _reveal(config.get("sasl.password", "")))
        )
    _write_truststore(config, written)
    _write_keystore(config, written)
    if "ssl.endpoint.identification.algorithm" in config:
        algorithm = str(config["ssl.endpoint.identification.algorithm"])
        written["ssl.endpoint.identification.algorithm"] = "" if algorithm == "none" else algorithm
    if str(config.get("enable.ssl.certificate.verification", "true")).lower() == "false":
        raise ConfigError(
            "enable.ssl.certificate.verification=false has no counterpart in Java clients",
            "Name the broker's certificate authority with ssl.ca.location instead.",
        )
    return written


def _write_truststore(config: Mapping[str, str | Secret], written: dict[str, str | Secret]) -> None:
    if "ssl.ca.location" in config:
        written |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": config["ssl.ca.location"]}
    elif "ssl.ca.pem" in config:
        written |= {"ssl.truststore.type": "PEM", "ssl.truststore.certificates": config["ssl.ca.pem"]}


def _write_keystore(config: Mapping[str, str | Secret], written: dict[str, str | Secret]) -> None:
    if "ssl.certificate.location" in config or "ssl.key.location" in config:
        if config.get("ssl.certificate.location") != config.get("ssl.key.location"):
            raise ConfigError(
                "Java clients want a certificate and its key in one file",
                "Write both into one PEM file, and name it in ssl.certificate.location and ssl.key.location.",
            )
        written |= {"ssl.keystore.type": "PEM", "ssl.keystore.location": config["ssl.key.location"]}
    elif "ssl.certificate.pem" in config and "ssl.key.pem" in config:
        written |= {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.certificate.chain": config["ssl.certificate.pem"],
            "ssl.keystore.key": config["ssl.key.pem"],
        }
    elif "ssl.keystore.location" in config:
        written |= {"ssl.keystore.type": "PKCS12", "ssl.keystore.location": config["ssl.keystore.location"]}
        if "ssl.keystore.password" in config:
            written["ssl.keystore.password"] = config["ssl.keystore.password"]


def _reveal(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def _shown(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text[:200])


def _quoted(path: str) -> str:
    """A path as one word of a shell."""
    return shlex.quote(_shown(path))
