"""What librdkafka says when something fails, turned into an error of ours with its reason and the way out. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from confluent_kafka import KafkaError

from ingestune_tui.errors import ClusterUnreachable, TrialError
from ingestune_tui.kafka.connection import Connection

# Nothing changes by trying these again.
HOPELESS = frozenset(
    {KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError.SASL_AUTHENTICATION_FAILED, KafkaError._FATAL}
)
UNREACHED = frozenset(
    {
        KafkaError._TRANSPORT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._RESOLVE,
        KafkaError._TIMED_OUT,
        KafkaError._TIMED_OUT_QUEUE,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.NETWORK_EXCEPTION,
        KafkaError.BROKER_NOT_AVAILABLE,
        *HOPELESS,
    }
)
# The most telling first: after a refused login, "all brokers are down" follows too.
_ORDER = (
    KafkaError._AUTHENTICATION,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError._SSL,
    KafkaError._BAD_MSG,
    KafkaError._RESOLVE,
    KafkaError._TRANSPORT,
)
# What librdkafka takes for the length of an answer is the beginning of another protocol's words.
_HTTP = str(int.from_bytes(b"HTTP", "big"))
_TLS_ALERT = "3525"  # 0x15 0x03 ..: the first digits of every version's


def unreachable(
    connection: Connection, errors: Sequence[KafkaError], log: Iterable[str], waited_s: float
) -> ClusterUnreachable:
    """Why nobody answers at `connection`, from all that librdkafka reported and logged while it tried."""
    where = connection.bootstrap
    # The broker hangs up on words that are not TLS's, and librdkafka only logs that.
    told = sorted((e for e in errors if e.code() in _ORDER), key=lambda e: _ORDER.index(e.code()))
    if not told and any("Disconnected" in line and "state APIVERSION_QUERY" in line for line in log):
        return _expects_tls(where)
    if not told:
        return ClusterUnreachable(
            f"{where} does not answer within {waited_s:.0f} s.", "Check the address, and that the broker is up."
        )
    reason = _reason(connection.redact(told[0].str()))
    code = told[0].code()
    if code in (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED):
        return ClusterUnreachable(
            f"{where} refused the login: {reason}.",
            "Wrong user, password or SASL mechanism: check them in the file given with --command-config.",
        )
    if code == KafkaError._SSL:
        return ClusterUnreachable(f"TLS to {where} failed: {reason}.", _tls_hint(reason))
    if code == KafkaError._BAD_MSG:
        return _no_kafka(where, reason)
    if code == KafkaError._RESOLVE:
        return ClusterUnreachable(f"{where}: {reason}.", "The host name is not known here: check its spelling and DNS.")
    if "verify that security.protocol" in reason or "Disconnected" in reason:
        return ClusterUnreachable(
            f"{where} hung up: {reason}.",
            "Does it need TLS or a login? Say so in a client.properties given with --command-config.",
        )
    if "refused" in reason.lower():
        return ClusterUnreachable(
            f"{where} refused the connection.", "Nothing listens there: check the port, and that the broker is up."
        )
    return ClusterUnreachable(f"{where} cannot be reached: {reason}.", "Check the address and the network.")


def _no_kafka(where: str, reason: str) -> ClusterUnreachable:
    said = re.search(r"Invalid response size (\d+)", reason)
    if said and said[1] == _HTTP:
        return ClusterUnreachable(f"{where} answers as a web server, not as Kafka.", "Check the address and the port.")
    if said and said[1].startswith(_TLS_ALERT):
        return _expects_tls(where)
    return ClusterUnreachable(f"{where} does not answer as Kafka does: {reason}.", "Check the address and the port.")


def _expects_tls(where: str) -> ClusterUnreachable:
    return ClusterUnreachable(
        f"{where} hung up at the first words: it expects TLS, or is no Kafka.",
        "Say security.protocol=SSL (or SASL_SSL) in a client.properties given with --command-config.",
    )


def refused(what: str, error: KafkaError, connection: Connection) -> TrialError:
    """The broker's own no to `what` (such as `creating topic x`), with Kafka's name of the error as code."""
    reason = connection.redact(error.str()).rstrip(".")
    return TrialError(f"{what} failed: {reason} ({error.name()}).", _hint(error), code=error.name())


def _hint(error: KafkaError) -> str:
    if error.name().endswith("AUTHORIZATION_FAILED"):
        return "This user lacks the right: see `ingestune doctor` for the rights needed, and --topic-prefix."
    if error.code() == KafkaError.INVALID_REPLICATION_FACTOR:
        return "Lower `replication` in [workload] to the number of brokers, or less."
    if error.code() == KafkaError.POLICY_VIOLATION:
        return "The cluster has a rule of its own for new topics; the text above is the rule's."
    return ""


def _tls_hint(reason: str) -> str:
    if "verify" in reason or "certificate" in reason:
        return (
            "The broker's certificate is not trusted: name its CA as a PEM file"
            " (ssl.truststore.type=PEM, ssl.truststore.location)."
        )
    return "Is that port a TLS port? Check security.protocol in the file given with --command-config."


def _reason(text: str) -> str:
    """Without the broker's name in front and the timing behind."""
    text = re.sub(r"^(?:[a-z_]+://)?[^\s/]+:\d+/(?:bootstrap|\d+): ", "", text)
    return re.sub(r" \((?:after|in state) [^()]*(?:\([^()]*\)[^()]*)?\)$", "", text).rstrip(". ")
