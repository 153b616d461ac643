"""A client.properties in either dialect: logins and certificates arrive whole, secrets stay hidden, code is refused."""

from __future__ import annotations

import confluent_kafka
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestune_tui.catalogue.dialect import client_properties, java_security
from ingestune_tui.catalogue.jaas import build_jaas, read_jaas
from ingestune_tui.catalogue.properties_text import property_line
from ingestune_tui.errors import ConfigError
from ingestune_tui.secrets import Secret

WORD = "s3cret=w;o\"r\\d'"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


def file(**lines: str) -> str:
    return "\n".join(property_line(name.replace("_", "."), value) for name, value in lines.items())


def revealed(config: dict[str, str | Secret]) -> dict[str, str]:
    return {name: value.reveal() if isinstance(value, Secret) else value for name, value in config.items()}


def test_a_java_scram_login_over_tls_becomes_librdkafkas() -> None:
    text = file(
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_jaas_config=build_jaas("SCRAM-SHA-512", "al ice", WORD),
        ssl_truststore_type="PEM",
        ssl_truststore_location="/etc/ca.pem",
        ssl_endpoint_identification_algorithm="",
    )
    config, notes = client_properties(text)
    assert revealed(config) == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanisms": "SCRAM-SHA-512",
        "sasl.username": "al ice",
        "sasl.password": WORD,
        "ssl.ca.location": "/etc/ca.pem",
        "ssl.endpoint.identification.algorithm": "none",
    }
    assert notes == []
    assert isinstance(config["sasl.password"], Secret)
    assert WORD not in repr(config)


def test_both_dialects_of_one_login_are_one_configuration() -> None:
    java = file(
        security_protocol="SASL_PLAINTEXT", sasl_mechanism="PLAIN", sasl_jaas_config=build_jaas("PLAIN", "a", WORD)
    )
    own = file(security_protocol="sasl_plaintext", sasl_mechanisms="PLAIN", sasl_username="a", sasl_password=WORD)
    assert client_properties(java) == client_properties(own)


def test_librdkafka_accepts_what_was_read() -> None:
    text = file(security_protocol="SASL_SSL", sasl_mechanism="PLAIN", sasl_jaas_config=build_jaas("PLAIN", "a", WORD))
    config, _ = client_properties(text)
    client = {"bootstrap.servers": "127.0.0.1:1", "log_level": 0, **revealed(config)}
    confluent_kafka.Producer(client).poll(0)
    with pytest.raises(confluent_kafka.KafkaException):
        confluent_kafka.Producer({**client, "sasl.mechanisms": "NONE-SUCH"})


def test_a_pem_key_store_serves_as_certificate_and_key() -> None:
    text = file(
        security_protocol="SSL",
        ssl_keystore_type="PEM",
        ssl_keystore_location="/etc/client.pem",
        ssl_key_password=WORD,
    )
    config, _ = client_properties(text)
    assert config["ssl.certificate.location"] == config["ssl.key.location"] == "/etc/client.pem"
    assert config["ssl.key.password"] == Secret(WORD)
    assert revealed(java_security(config)) == {
        "security.protocol": "SSL",
        "ssl.key.password": WORD,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": "/etc/client.pem",
    }


def test_pem_texts_go_both_ways_and_the_key_stays_hidden() -> None:
    text = file(
        security_protocol="SSL",
        ssl_keystore_type="PEM",
        ssl_keystore_certificate_chain="CHAIN\nTWO",
        ssl_keystore_key="KEY\nTWO",
        ssl_truststore_type="PEM",
        ssl_truststore_certificates="CA\nTWO",
    )
    config, _ = client_properties(text)
    assert revealed(config) == {
        "security.protocol": "SSL",
        "ssl.ca.pem": "CA\nTWO",
        "ssl.certificate.pem": "CHAIN\nTWO",
        "ssl.key.pem": "KEY\nTWO",
    }
    assert isinstance(config["ssl.key.pem"], Secret)
    back = java_security(config)
    assert isinstance(back["ssl.keystore.key"], Secret)
    assert back["ssl.truststore.certificates"] == "CA\nTWO"


@pytest.mark.parametrize("name", ["client.jks", "client", "it's here.jks"])
def test_a_java_key_store_is_refused_with_the_commands_that_convert_it(name: str) -> None:
    for store, hint in (("truststore", "-nokeys"), ("keystore", "-nodes")):
        text = property_line(f"ssl.{store}.location", f"/etc/{name}") + f"\nssl.{store}.password={WORD}"
        with pytest.raises(ConfigError) as refused:
            client_properties("security.protocol=SSL\n" + text)
        assert "keytool -importkeystore" in refused.value.hint
        assert "openssl pkcs12" in refused.value.hint
        assert hint in refused.value.hint
        assert "s3cret" not in str(refused.value)


def test_a_pkcs12_key_store_is_taken_and_a_pkcs12_truststore_is_not() -> None:
    config, _ = client_properties(
        f"security.protocol=SSL\nssl.keystore.location=/a/me.p12\nssl.keystore.password={WORD}"
    )
    assert config["ssl.keystore.location"] == "/a/me.p12"
    assert isinstance(config["ssl.keystore.password"], Secret)
    assert java_security(config)["ssl.keystore.type"] == "PKCS12"
    with pytest.raises(ConfigError, match="truststore"):
        client_properties("security.protocol=SSL\nssl.truststore.location=/a/trust.p12\nssl.truststore.type=PKCS12")


@pytest.mark.parametrize(
    "name",
    [
        "plugin.library.paths",
        "sasl.kerberos.kinit.cmd",
        "sasl.login.callback.handler.class",
        "sasl.client.callback.handler.class",
        "sasl.login.class",
        "interceptor.classes",
        "metric.reporters",
        "ssl.engine.factory.class",
        "ssl.engine.location",
        "ssl.providers",
        "security.providers",
        "config.providers",
        "config.providers.file.class",
        "sasl.oauthbearer.token.endpoint.url",
        "sasl.oauthbearer.config",
        "enable.sasl.oauthbearer.unsecure.jwt",
    ],
)
def test_what_would_load_or_run_code_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigError) as refused:
        client_properties(f"{name}=/tmp/evil.so")
    assert name in refused.value.what
    assert "evil" not in str(refused.value)


@pytest.mark.parametrize("mechanism", ["GSSAPI", "OAUTHBEARER", "AWS_MSK_IAM"])
def test_other_mechanisms_are_refused_and_the_known_ones_named(mechanism: str) -> None:
    with pytest.raises(ConfigError) as refused:
        client_properties(f"security.protocol=SASL_SSL\nsasl.mechanism={mechanism}")
    assert "SCRAM-SHA-256" in refused.value.hint


@pytest.mark.parametrize(
    "jaas",
    [
        f"com.sun.security.auth.module.Krb5LoginModule required password={WORD[:6]};",
        f'{PLAIN} required username="a";',
        f'{SCRAM} required username="a" password="s3cret" tokenauth="true";',
        f'{PLAIN} required username="a" password="s3cret"',
        f'{PLAIN} required username="a" password="s3cret',
        f'{PLAIN} required username="a" password="s3cret"; {PLAIN} required username="b" password="s3cret";',
        f'{PLAIN} required username "a" password "s3cret";',
        f'{SCRAM} required username="a" password="s3cret";',
        "s3cret",
        "",
    ],
)
def test_a_login_that_cannot_be_used_is_refused_without_showing_it(jaas: str) -> None:
    text = "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\n" + property_line("sasl.jaas.config", jaas)
    with pytest.raises(ConfigError) as refused:
        client_properties(text)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "security.protocol=SASL_SSL",
        "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN",
        "security.protocol=SASL_SSL\nsasl.username=a\nsasl.password=b",
        "security.protocol=TLS",
        "ssl.endpoint.identification.algorithm=maybe",
        "a=\\u00",
    ],
)
def test_half_a_configuration_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        client_properties(text)


def test_what_is_not_used_is_named_and_its_value_is_not() -> None:
    text = f"""
        bootstrap.servers = {WORD[:6]}:9092
        client.id = {WORD[:6]}
        debug = all
        ssl.enabled.protocols = TLSv1.3
        acks = 1
        basic.auth.user.info = {WORD[:6]}
    """
    config, notes = client_properties(text)
    assert config == {}
    assert len(notes) == 6
    for name in ("bootstrap.servers", "client.id", "debug", "ssl.enabled.protocols", "acks", "basic.auth.user.info"):
        assert any(note.startswith(f"{name} is ignored: ") for note in notes)
    assert WORD[:6] not in "".join(notes)


def test_a_login_that_the_protocol_does_not_use_is_said() -> None:
    _, notes = client_properties("sasl.mechanism=PLAIN\nsasl.username=a\nsasl.password=b\nssl.ca.location=/ca.pem")
    assert len(notes) == 2
    assert all("PLAINTEXT" in note for note in notes)


def test_java_gets_the_login_as_a_secret_and_keeps_the_host_name_check() -> None:
    written = java_security(
        {
            "security.protocol": "SASL_SSL",
            "sasl.mechanisms": "SCRAM-SHA-256",
            "sasl.username": "a",
            "sasl.password": Secret(WORD),
            "ssl.ca.location": "/ca.pem",
            "ssl.endpoint.identification.algorithm": "none",
            "broker.address.family": "v4",
        }
    )
    jaas = written.pop("sasl.jaas.config")
    assert isinstance(jaas, Secret)
    login = read_jaas(jaas.reveal())
    assert (login.username, login.password, login.plain) == ("a", WORD, False)
    assert written == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-256",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": "/ca.pem",
        "ssl.endpoint.identification.algorithm": "",
    }


@pytest.mark.parametrize(
    "config",
    [
        {"enable.ssl.certificate.verification": "false"},
        {"ssl.certificate.location": "/a.pem", "ssl.key.location": "/b.pem"},
    ],
)
def test_what_java_cannot_do_is_refused(config: dict[str, str | Secret]) -> None:
    with pytest.raises(ConfigError):
        java_security(config)


@given(TEXT, TEXT, st.sampled_from(["PLAIN", "SCRAM-SHA-512"]))
def test_any_name_and_password_survive_the_way_to_java_and_back(name: str, password: str, mechanism: str) -> None:
    text = file(
        security_protocol="SASL_SSL", sasl_mechanism=mechanism, sasl_jaas_config=build_jaas(mechanism, name, password)
    )
    config, _ = client_properties(text)
    assert config["sasl.username"] == name
    assert config["sasl.password"] == Secret(password)
    assert java_security(config)["sasl.jaas.config"] == Secret(build_jaas(mechanism, name, password))
