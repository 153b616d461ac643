"""Reaching a cluster with a client.properties as Kafka's own tools take it, and saying why it cannot be reached.

One real broker with TLS, a login and access rules serves the tests here.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingestune_tui.bench.protocol import ConsumerSpec, ProducerSpec
from ingestune_tui.catalogue.catalogue import Client, Scope
from ingestune_tui.errors import ClusterUnreachable, ConfigError, TrialError
from ingestune_tui.kafka.connection import Connection, external
from ingestune_tui.kafka.doctor import check_cluster
from ingestune_tui.kafka.jars import find_runtime, silent
from ingestune_tui.kafka.local_broker import LocalKafka
from ingestune_tui.kafka.topics import Admin
from ingestune_tui.secrets import Secret
from ingestune_tui.tuning.cluster import open_cluster, parse_cluster
from tests.bench.load_child import LoadChild, producer_spec

from .command import SHORT, Command
from .conftest import held_on_a_loop, kafka_or_skip

PASSWORD = "opensesame"


@dataclass(frozen=True)
class SecuredCluster:
    """A running broker that wants TLS and a login."""

    bootstrap: str
    certificate: Path

    def client_properties(self, user: str = "admin", password: str = PASSWORD, certificate: Path | None = None) -> str:
        """As a Java client's file would say it."""
        return f"""\
security.protocol=SASL_SSL
sasl.mechanism=PLAIN
sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\
    username="{user}" \\
    password="{password}";
ssl.truststore.type=PEM
ssl.truststore.location={certificate or self.certificate}
"""

    def connection(self, user: str = "admin", password: str = PASSWORD, certificate: Path | None = None) -> Connection:
        return external(self.bootstrap, self.client_properties(user, password, certificate))


def _self_signed(folder: Path, name: str) -> tuple[Path, Path]:
    """A PKCS12 keystore for 127.0.0.1 and its certificate as PEM."""
    keytool = find_runtime().java.with_name("keytool")
    store, certificate = folder / f"{name}.p12", folder / f"{name}.pem"
    shared = ["-alias", "k", "-keystore", str(store), "-storetype", "PKCS12", "-storepass", PASSWORD]
    subject = ["-dname", "CN=localhost", "-ext", "SAN=ip:127.0.0.1", "-validity", "2"]
    subprocess.run([keytool, "-genkeypair", "-keyalg", "EC", *subject, *shared], check=True, capture_output=True)
    subprocess.run(
        [keytool, "-exportcert", "-rfc", "-file", str(certificate), *shared], check=True, capture_output=True
    )
    return store, certificate


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory, kafka_jars: None) -> Iterator[SecuredCluster]:
    folder = tmp_path_factory.mktemp("tls")
    with kafka_or_skip():
        store, certificate = _self_signed(folder, "broker")
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    users = "".join(f' user_{user}="{PASSWORD}"' for user in ("admin", "alice"))
    listener = {
        "listener.security.protocol.map": "CLIENT:SASL_SSL,CONTROLLER:PLAINTEXT",
        "ssl.keystore.type": "PKCS12",
        "ssl.keystore.location": str(store),
        "ssl.keystore.password": PASSWORD,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(certificate),
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "listener.name.client.plain.sasl.jaas.config": (
            f'{module} required username="admin" password="{PASSWORD}"{users};'
        ),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:admin;User:ANONYMOUS",
    }
    config: dict[str, str | Secret] = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanisms": "PLAIN",
        "sasl.username": "admin",
        "sasl.password": Secret(PASSWORD),
        "ssl.ca.location": str(certificate),
    }
    with kafka_or_skip():
        held = held_on_a_loop(LocalKafka(listener=listener, connection_config=config))
        kafka = held.__enter__()
    try:
        yield SecuredCluster(kafka.bootstrap, certificate)
    finally:
        held.__exit__(None, None, None)


async def _why_unreachable(connection: Connection, timeout_s: float = 10.0) -> ClusterUnreachable:
    began = time.monotonic()
    with pytest.raises(ClusterUnreachable) as caught:
        async with Admin(connection) as admin:
            await admin.describe_cluster(timeout_s)
    assert time.monotonic() - began < timeout_s + 30  # librdkafka's own patience is a minute
    assert PASSWORD not in str(caught.value)
    return caught.value


@pytest.mark.kafka
async def test_a_java_style_file_with_tls_and_a_login_opens_a_real_cluster(secured: SecuredCluster) -> None:
    connection = secured.connection()
    async with Admin(connection) as admin:
        info = await admin.describe_cluster()
        await admin.create_topic("ingestune-secured", 2, 1, {"retention.ms": "60000"})
        assert await admin.end_offsets("ingestune-secured") == {0: 0, 1: 0}
        await admin.delete_topic("ingestune-secured")
    assert (info.version, len(info.nodes)) == ("4.3", 1)
    assert PASSWORD not in repr(connection)


@pytest.mark.kafka
@pytest.mark.parametrize("client", ["librdkafka", "java"])
async def test_load_children_send_and_read_over_tls_with_a_login(
    secured: SecuredCluster, tmp_path: Path, client: Client
) -> None:
    properties = tmp_path / "client.properties"
    properties.write_text(secured.client_properties())
    choice = parse_cluster(secured.bootstrap, properties)
    topic = f"ingestune-secured-{client}"
    async with open_cluster(choice, silent, topic_prefix="ingestune", client=client) as cluster:
        await cluster.admin.create_topic(topic, 1, 1, {})
        producing = producer_spec(secured.bootstrap, topic, partitions=1)
        producing.config.update(cluster.client_config(client, Scope.PRODUCER, {}))
        reading = cluster.client_config("librdkafka", Scope.CONSUMER, {})
        consuming = ConsumerSpec(config=reading, topic=topic, partitions=[0], message_bytes=100)
        sent, read = await asyncio.to_thread(_send_and_read, producing, cluster.child_command(client), consuming)
        await cluster.admin.delete_topic(topic)
    assert sent == read > 0


def _send_and_read(producing: ProducerSpec, command: Sequence[str], consuming: ConsumerSpec) -> tuple[int, int]:
    """Messages that a short paced stage got acknowledged, and that were then found in the topic."""
    with LoadChild(producing, command) as producer:
        producer.ready()
        producer.pace(100, 0.2)
        sent = producer.finish().acknowledged
    with LoadChild(consuming) as consumer:
        consumer.ready()
        consumer.saturate(30.0)
        return sent, consumer.finish().acknowledged


@pytest.mark.kafka
async def test_a_wrong_password_is_told_at_once_as_a_refused_login(secured: SecuredCluster) -> None:
    error = await _why_unreachable(secured.connection(password="wrong-one"), timeout_s=30)
    assert "refused the login" in error.what
    assert "user, password" in error.hint
    assert "wrong-one" not in str(error)


@pytest.mark.kafka
def test_a_run_with_a_wrong_password_ends_with_one_clear_message(secured: SecuredCluster, tmp_path: Path) -> None:
    ingestune = Command(tmp_path / "home")
    grid, properties = tmp_path / "tiny.toml", tmp_path / "client.properties"
    grid.write_text(SHORT)
    properties.write_text(secured.client_properties(password="wrong-one"))
    done = ingestune("run", str(grid), "-b", secured.bootstrap, "--command-config", str(properties), "--yes")
    assert (done.returncode, done.stdout) == (1, "")
    asked, problem, hint = done.stderr.splitlines()
    assert asked == f"asking {secured.bootstrap}"
    assert f"{secured.bootstrap} refused the login: " in problem
    assert hint == "Wrong user, password or SASL mechanism: check them in the file given with --command-config."
    assert "wrong-one" not in done.stderr
    kept = [path for path in ingestune.home.rglob("*") if path.is_file()]
    assert any(path.name == "results.db" for path in kept)
    assert [path for path in kept if b"wrong-one" in path.read_bytes()] == []


@pytest.mark.kafka
async def test_a_certificate_of_another_authority_is_told_as_untrusted(secured: SecuredCluster, tmp_path: Path) -> None:
    _, other = _self_signed(tmp_path, "other")
    error = await _why_unreachable(secured.connection(certificate=other), timeout_s=30)
    assert error.what.startswith(f"TLS to {secured.bootstrap} failed")
    assert "not trusted" in error.hint


@pytest.mark.kafka
async def test_a_tls_port_without_tls_settings_is_told(secured: SecuredCluster) -> None:
    error = await _why_unreachable(external(secured.bootstrap))
    assert "TLS" in str(error)


@pytest.mark.kafka
async def test_a_user_without_rights_learns_which_call_was_refused(secured: SecuredCluster) -> None:
    async with Admin(secured.connection(user="alice")) as admin:
        with pytest.raises(TrialError) as caught:
            await admin.create_topic("ingestune-nope", 1, 1, {})
    assert caught.value.code == "TOPIC_AUTHORIZATION_FAILED"
    assert "ingestune-nope" in caught.value.what
    found = {check.name: check.state for check in await check_cluster(secured.connection(user="alice"), "ingestune")}
    assert found == {"cluster": "ok", "topics": "fail", "broker": "warn"}


@pytest.mark.kafka
async def test_doctor_finds_all_well_for_a_user_with_rights_and_creates_nothing(secured: SecuredCluster) -> None:
    checks = await check_cluster(secured.connection(), "ingestune")
    assert {check.state for check in checks} == {"ok"}
    async with Admin(secured.connection()) as admin:
        assert await admin.list_topics() == []


async def test_a_closed_port_is_told_as_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and not listening
        error = await _why_unreachable(external(f"127.0.0.1:{taken.getsockname()[1]}"))
    assert "refused the connection" in error.what


async def test_an_unknown_host_is_told_as_such() -> None:
    error = await _why_unreachable(external("no-such-host.invalid:9092"))
    assert "no-such-host.invalid" in error.what
    assert "DNS" in error.hint


async def test_a_port_that_accepts_and_says_nothing_times_out_within_the_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = await _why_unreachable(external(f"127.0.0.1:{silent.getsockname()[1]}"), timeout_s=2)
    assert "does not answer within 2 s" in error.what


async def test_a_web_server_is_not_taken_for_a_broken_kafka() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = threading.Event()
        thread = threading.Thread(target=_answer_like_a_web_server, args=(server, done))
        thread.start()
        try:
            error = await _why_unreachable(external(f"127.0.0.1:{server.getsockname()[1]}"))
        finally:
            done.set()
            thread.join()
    assert "web server" in error.what


def _answer_like_a_web_server(server: socket.socket, done: threading.Event) -> None:
    server.settimeout(0.1)
    while not done.is_set():
        try:
            connection, _ = server.accept()
        except TimeoutError:
            continue
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def test_a_configuration_that_the_client_refuses_is_a_clear_error_without_the_secret() -> None:
    connection = Connection("127.0.0.1:9092", {"ssl.key.pem": Secret("not-a-key-at-all"), "security.protocol": "SSL"})
    with pytest.raises(ConfigError) as caught:
        async with Admin(connection):
            pass
    assert "--command-config" in caught.value.hint
    assert "not-a-key-at-all" not in str(caught.value)


def test_what_has_no_counterpart_is_named_in_the_notes() -> None:
    connection = external("kafka:9092", "security.protocol=SSL\nssl.cipher.suites=TLS_AES_128_GCM_SHA256\n")
    assert connection.config == {"security.protocol": "SSL"}
    assert any("ssl.cipher.suites" in note for note in connection.notes)
