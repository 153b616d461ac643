"""Escapes as Java itself reads them: a .properties file by java.util.Properties, a login by Kafka's own parser."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ingestune_tui.catalogue.jaas import build_jaas, read_jaas
from ingestune_tui.catalogue.properties_text import comment_lines, read_properties, write_properties_text
from ingestune_tui.errors import LocalBrokerError
from ingestune_tui.kafka.jars import KafkaRuntime
from tests.integration.conftest import kafka_or_skip

pytestmark = pytest.mark.kafka

SOURCE = """
import java.io.*;
import java.util.*;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.security.JaasContext;

public class Reader {
    static String hex(Object text) throws Exception {
        return HexFormat.of().formatHex(text.toString().getBytes("UTF-8"));
    }

    public static void main(String[] files) throws Exception {
        Properties read = new Properties();
        try (InputStream file = new FileInputStream(files[0])) { read.load(file); }
        for (Map.Entry<Object, Object> each : read.entrySet())
            System.out.println("P " + hex(each.getKey()) + " " + hex(each.getValue()));
        Properties logins = new Properties();
        try (InputStream file = new FileInputStream(files[1])) { logins.load(file); }
        for (String name : logins.stringPropertyNames()) {
            var context = JaasContext.loadClientContext(
                Map.of("sasl.jaas.config", new Password(logins.getProperty(name))));
            var options = context.configurationEntries().get(0).getOptions();
            String login = hex(options.get("username")) + " " + hex(options.get("password"));
            System.out.println("L " + hex(name) + " " + login);
        }
    }
}
"""

ODD = [
    "",
    " ",
    "  two ",
    "a=b:c#d!e",
    "\\",
    "\\\\u0041",
    "tab\tnew\nline\rfeed\f",
    "ä€😀\u2028",
    "\x00\x7f\x85",
    "'\"`$;",
]
FOREIGN = "a = 1\\\n   2\n! no\n# no\nb:2\\\\\nc 3 \nd\n\\ e=\\u00e4\\q\nf=\\\n"
LOGINS = [text for text in ODD if text] + ['";username="evil', "\\101", "/* no */ // no", "p" * 500]


@pytest.fixture(scope="module")
def reader(kafka_jars: KafkaRuntime, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs Reader. Skips, but not in CI, with a Kafka of the person's own that has no compiler."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "Reader.java").write_text(SOURCE)
    java, jars = str(kafka_jars.java), Path(kafka_jars.classpath).parent
    compiler = next(iter(jars.glob("ecj-*.jar")), None)
    with kafka_or_skip():
        if compiler is None:
            raise LocalBrokerError("no compiler among these jars")
    classes = os.pathsep.join(str(jar) for jar in jars.glob("*.jar"))
    batch = [java, "-cp", str(compiler), "org.eclipse.jdt.internal.compiler.batch.Main"]
    made = subprocess.run(
        [*batch, "-17", "-nowarn", "-cp", classes, "-d", str(folder), str(folder / "Reader.java")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return [java, "-XX:TieredStopAtLevel=1", "-cp", f"{folder}{os.pathsep}{kafka_jars.classpath}", "Reader"]


def read_by_java(
    reader: list[str], folder: Path, text: str, logins: str = ""
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The properties of `text`, and name and password of each login."""
    files = [folder / "any.properties", folder / "logins.properties"]
    for file, content in zip(files, (text, logins), strict=True):
        file.write_text(content, encoding="utf-8")
    done = subprocess.run([*reader, *map(str, files)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line.split(" ") for line in done.stdout.splitlines() if line[:2] in ("P ", "L ")]
    texts = [(kind, [bytes.fromhex(word).decode() for word in words]) for kind, *words in rows]
    properties = {words[0]: words[1] for kind, words in texts if kind == "P"}
    return properties, {words[0]: words[1:] for kind, words in texts if kind == "L"}


def test_java_reads_what_is_written_and_nothing_out_of_a_comment(reader: list[str], tmp_path: Path) -> None:
    properties = {**{key: f"v{key}" for key in ODD}, **{f"k{at}": value for at, value in enumerate(ODD)}}
    text = comment_lines("study a\nacks=0\r\u2028b=1\\") + "\n" + write_properties_text(properties)
    found, _ = read_by_java(reader, tmp_path, text)
    assert found == properties


def test_other_peoples_files_are_read_as_java_reads_them(reader: list[str], tmp_path: Path) -> None:
    found, _ = read_by_java(reader, tmp_path, FOREIGN)
    assert found == read_properties(FOREIGN)


def test_kafka_finds_the_very_name_and_password_in_a_login(reader: list[str], tmp_path: Path) -> None:
    made = {str(at): build_jaas("PLAIN", text, text[::-1]) for at, text in enumerate(LOGINS)}
    _, found = read_by_java(reader, tmp_path, "", write_properties_text(made))
    assert found == {str(at): [text, text[::-1]] for at, text in enumerate(LOGINS)}


def test_a_login_in_somebodys_own_writing_is_understood_as_kafka_does(reader: list[str], tmp_path: Path) -> None:
    module = "org.apache.kafka.common.security.scram.ScramLoginModule"
    logins = [
        f"{module} required username=plain password='single \\' quote';",
        f'{module}   required\n  username="a" // comment\n password = "b;c" ;',
        f'{module} optional username="\\101\\n\\\\" /* "x" */ password="#=";',
        f'{module} sufficient serviceName="kafka" username="u-1_$" password="p";',
    ]
    _, found = read_by_java(
        reader, tmp_path, "", write_properties_text({str(at): each for at, each in enumerate(logins)})
    )
    for at, text in enumerate(logins):
        login = read_jaas(text)
        assert found[str(at)] == [login.username, login.password]
