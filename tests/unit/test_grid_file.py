"""A grid file from disk: its baseline files in either dialect, its hash, and everything that cannot be read."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.errors import GridError, UsageError
from ingestune_tui.model.configuration import settings_of
from ingestune_tui.model.workload import Workload
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.grid_file import load_grid, payload_fingerprint, resolve
from tests.unit.scripted_cluster import scripted

LINGER = '[producer]\n"linger.ms" = [0, 5]\n'


def baseline(tmp_path: Path, properties: str, client: str = "librdkafka") -> tuple[dict[str, object], tuple[str, ...]]:
    """The producer settings read from a properties file beside the grid, and the notes."""
    (tmp_path / "mine.properties").write_text(properties, encoding="utf-8")
    grid = f'[workload]\nclient = "{client}"\n[baseline]\nproducer = "mine.properties"\n'
    found = resolve(grid + LINGER, tmp_path / "grid.toml")
    return dict(settings_of(found.grid.baseline.settings)[Scope.PRODUCER]), found.notes


def test_a_librdkafka_file_is_understood(tmp_path: Path) -> None:
    found, notes = baseline(tmp_path, "linger.ms=7\ncompression.codec=lz4\nrequest.required.acks=-1\n")
    assert found == {"linger.ms": 7, "compression.type": "lz4", "acks": "all"}
    assert notes == ()


def test_a_java_file_is_understood_for_librdkafka(tmp_path: Path) -> None:
    found, _ = baseline(tmp_path, "# mine\nlinger.ms = 7\nbatch.size: 32768\nbuffer.memory=33554432\nacks=all\n")
    assert found["linger.ms"] == 7
    assert found["batch.size"] == 32768
    assert found["acks"] == "all"
    assert found["queue.buffering.max.kbytes"] == 32768


def test_a_java_file_is_understood_for_java(tmp_path: Path) -> None:
    found, _ = baseline(tmp_path, "buffer.memory=33554432\ncompression.type=zstd\n", "java")
    assert found == {"buffer.memory": 33554432, "compression.type": "zstd"}


def test_what_cannot_be_tuned_is_left_out_and_a_secret_never_repeated(tmp_path: Path) -> None:
    found, notes = baseline(
        tmp_path, "bootstrap.servers=kafka:9092\nsasl.password=hunter2\nplugin.library.paths=evil.so\nlinger.ms=7\n"
    )
    assert found == {"linger.ms": 7}
    assert "hunter2" not in " ".join(notes)
    assert any("plugin.library.paths" in note and note.startswith("mine.properties: ") for note in notes)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        (b"linger.ms=\xff\xfe", r"is not UTF-8 text \(byte 10\)"),
        (b"#" * 1_000_001, "larger than 1 MB"),
        (b"linger.ms=soon\nacks=7\n", "mine.properties: linger.ms: not a number.*; acks: '7' is not one of 0, 1, all$"),
    ],
    ids=["missing", "binary", "too big", "wrong values"],
)
def test_a_baseline_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / "mine.properties").write_bytes(content)
    with pytest.raises(GridError, match=words) as caught:
        resolve('[baseline]\nproducer = "mine.properties"\n' + LINGER, tmp_path / "grid.toml")
    assert caught.value.problems[0].path == "baseline.producer"
    assert "mine.properties" in str(caught.value)


def test_a_baseline_setting_that_the_grid_pins_to_another_value_is_told(tmp_path: Path) -> None:
    text = '[baseline.producer]\n"linger.ms" = 0\nacks = "all"\n[producer]\n"linger.ms" = 5\nacks = "all"\n'
    found = resolve(text, tmp_path / "grid.toml")
    assert found.notes == ("baseline linger.ms=0 is not used: the grid's one value, 5, holds for the baseline too",)


def test_one_baseline_in_both_dialects_is_the_same_configuration(tmp_path: Path) -> None:
    java = "acks=all\nlinger.ms=20\nbatch.size=65536\ncompression.type=lz4\nbuffer.memory=67108864\n"
    java += "max.in.flight.requests.per.connection=3\nmax.request.size=2000000\n"
    librdkafka = "request.required.acks=-1\nqueue.buffering.max.ms=20\nbatch.size=65536\ncompression.codec=lz4\n"
    librdkafka += "queue.buffering.max.kbytes=65536\nmax.in.flight=3\nmessage.max.bytes=2000000\n"
    for client in ("librdkafka", "java"):
        assert baseline(tmp_path, java, client)[0] == baseline(tmp_path, librdkafka, client)[0]


def test_a_baseline_path_that_is_none_is_a_problem_too(tmp_path: Path) -> None:
    for path in ("a\\u0000b", "x" * 5000, "."):
        with pytest.raises(GridError, match=r"baseline\.producer"):
            resolve(f'[baseline]\nproducer = "{path}"\n' + LINGER, tmp_path / "grid.toml")


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (None, UsageError, "No such file"),
        (b"title = '\xff'", GridError, "not UTF-8 text \\(byte 9\\)"),
        (b"\x7fELF\x02\x00\x00", GridError, "not TOML"),
        (b"#" * 2_000_000, GridError, "larger than 1 MB"),
    ],
    ids=["missing", "not UTF-8", "binary", "2 MB"],
)
def test_a_grid_file_that_cannot_be_read_is_named(
    tmp_path: Path, content: bytes | None, error: type[Exception], words: str
) -> None:
    path = tmp_path / "grid.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error, match=words) as caught:
        load_grid(path)
    assert "grid.toml" in str(caught.value)


def test_a_directory_is_no_grid(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Is a directory"):
        load_grid(tmp_path)


def test_a_device_without_end_is_refused_at_once() -> None:
    with pytest.raises(GridError, match="larger than 1 MB"):
        load_grid(Path("/dev/zero"))


def test_a_grid_may_come_through_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "grid.toml"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(LINGER,))
    writer.start()
    assert load_grid(pipe).grid.size == 2
    writer.join()


def test_every_problem_is_told_at_once_whatever_it_lies_in(tmp_path: Path) -> None:
    text = """
    title = 5
    [workload]
    payload = "file:missing.jsonl"
    [baseline]
    producer = "missing.properties"
    consumer = "wrong.properties"
    [producer]
    "linger.ms" = ["soon", 5]
    acks = 7
    """
    (tmp_path / "wrong.properties").write_text("fetch.min.bytes=many\n")
    with pytest.raises(GridError) as caught:
        resolve(text, tmp_path / "grid.toml")
    assert [problem.path for problem in caught.value.problems] == [
        "title",
        'producer."linger.ms"[0]',
        "producer.acks",
        "baseline.producer",
        "baseline.consumer",
        "workload.payload",
    ]


def test_a_byte_order_mark_is_no_part_of_a_grid_or_of_its_baseline(tmp_path: Path) -> None:
    mark = b"\xef\xbb\xbf"
    path, mine = tmp_path / "grid.toml", tmp_path / "mine.properties"
    text = '[baseline]\nproducer = "mine.properties"\n' + LINGER
    found = []
    for before in (b"", mark):
        path.write_bytes(before + text.encode())
        mine.write_bytes(before + b"linger.ms=7\n")
        found.append(load_grid(path))
    assert found[0] == found[1]
    assert resolve("\ufeff" + text, path).hash == found[0].hash
    path.write_bytes(mark + b"[producer\n")
    with pytest.raises(GridError, match="line 1, column 10"):
        load_grid(path)


# The hash ---------------------------------------------------------------------------------------------------


def grid_hash(text: str, tmp_path: Path) -> str:
    return resolve(text, tmp_path / "grid.toml").hash


def test_comments_title_and_layout_change_no_hash(tmp_path: Path) -> None:
    assert grid_hash('# mine\ntitle = "x"\n[producer]\nlinger.ms = [ 0,\n 5.0 ]', tmp_path) == grid_hash(
        '[producer]\n"queue.buffering.max.ms" = ["0ms", "5ms"]', tmp_path
    )


@pytest.mark.parametrize(
    "text",
    [
        '[producer]\n"linger.ms" = [0, 6]',
        '[producer]\n"linger.ms" = [5, 0]',  # cells are known by their number
        LINGER + "[topic]\npartitions = 3",
        LINGER + "[search]\nconfirm_pairs = 4",
        LINGER + "[trial]\npaced = 0",
        LINGER + "[workload]\nmessage_bytes = 10",
        LINGER + '[baseline.producer]\nacks = "1"',
        LINGER + '[search]\noff = ["producer.linger.ms"]',
    ],
)
def test_what_decides_a_run_changes_the_hash(text: str, tmp_path: Path) -> None:
    assert grid_hash(text, tmp_path) != grid_hash(LINGER, tmp_path)


def test_a_baseline_files_content_counts_and_not_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.properties").write_text("linger.ms=7\n")
    (tmp_path / "b.properties").write_text("# the same\nqueue.buffering.max.ms=7\n")
    (tmp_path / "c.properties").write_text("linger.ms=8\n")
    a, b, c = (grid_hash(f'[baseline]\nproducer = "{name}.properties"\n' + LINGER, tmp_path) for name in "abc")
    assert a == b != c


# The payload ------------------------------------------------------------------------------------------------


def test_a_payloads_content_is_its_fingerprint(tmp_path: Path) -> None:
    assert payload_fingerprint(Workload(payload="random"), tmp_path) == "random"
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    (tmp_path / "b.txt").write_text("one\ntwo\n")
    a = payload_fingerprint(Workload(payload="file:a.txt"), tmp_path)
    assert a == payload_fingerprint(Workload(payload=f"file:{tmp_path}/b.txt"), Path("/"))
    (tmp_path / "a.txt").write_text("one\nthree\n")
    assert payload_fingerprint(Workload(payload="file:a.txt"), tmp_path) != a


async def test_a_payload_beside_the_grid_is_found_from_any_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    monkeypatch.chdir(tmp_path)
    async with await Store.open(tmp_path / "results.db") as store:
        world = scripted(monkeypatch, store, '[workload]\npayload = "file:a.txt"\n' + LINGER)
        study = await world.study()
        await store.update_study(study.id, options={"grid_path": str(tmp_path / "grid.toml")})
        monkeypatch.chdir("/")
        world.grid_file = resolve(world.grid_file.text, tmp_path / "grid.toml")
        await world.run(study)
        stored = await world.trials(study)
    assert {order.workload.payload for order in world.runs} == {f"file:{tmp_path}/a.txt"}
    assert {trial.workload.payload for trial in stored} == {"file:a.txt"}


@pytest.mark.parametrize(
    ("payload", "words"),
    [("missing.txt", "No such file"), (".", "no ordinary file"), ("/dev/zero", "no ordinary file")],
)
def test_a_grid_whose_payload_cannot_be_read_is_refused_before_anything_is_started(
    tmp_path: Path, payload: str, words: str
) -> None:
    text = f'[workload]\npayload = "file:{payload}"\n' + LINGER
    with pytest.raises(GridError, match=rf"workload\.payload: .*{words}"):
        resolve(text, tmp_path / "grid.toml")


def test_a_payload_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(GridError, match=r"workload\.payload: .*missing\.txt cannot be read: No such file"):
        payload_fingerprint(Workload(payload="file:missing.txt"), tmp_path)


def test_a_consumers_baseline_file_is_read_as_librdkafkas_whoever_sends(tmp_path: Path) -> None:
    (tmp_path / "mine.properties").write_text("max.poll.records=5\nfetch.max.wait.ms=50\n")
    text = '[workload]\nclient = "java"\nconsumers = 1\n[baseline]\nconsumer = "mine.properties"\n'
    found = resolve(text, tmp_path / "grid.toml")
    assert [(each.name, each.value) for each in found.grid.baseline.settings] == [("fetch.wait.max.ms", 50)]
    assert any("max.poll.records is left out" in note for note in found.notes)
