"""Payloads: exact lengths, the same for the same seed, and as compressible as what they stand for."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from pathlib import Path

import pytest

from ingestune_tui.bench.failure import LoadFailed
from ingestune_tui.bench.payload import KEYED_MESSAGES, MAX_POOL_BYTES, Values, prepare_keys, prepare_values


def records(values: Values) -> list[bytes]:
    return [values.block[place : place + length] for place, length in zip(values.places, values.lengths, strict=True)]


@pytest.mark.parametrize("message_bytes", [1, 2, 7, 8, 9, 10, 25, 26, 43, 44, 45, 64, 99, 100, 333, 1000, 10_000])
def test_every_json_record_has_exactly_the_asked_length_and_parses(message_bytes: int) -> None:
    found = records(prepare_values("json", message_bytes, seed=3))
    assert {len(record) for record in found} == {message_bytes}
    for record in found[:100]:
        json.loads(record) if message_bytes >= 8 else int(record)


def test_the_same_seed_gives_the_same_records_and_another_seed_others() -> None:
    assert prepare_values("json", 200, 1) == prepare_values("json", 200, 1)
    assert prepare_values("json", 200, 1).block != prepare_values("json", 200, 2).block
    assert prepare_values("random", 200, 1).block == prepare_values("random", 200, 1).block


@pytest.mark.parametrize("message_bytes", [100, 1000, 10_000])
def test_json_compresses_like_real_events_and_random_not_at_all(message_bytes: int) -> None:
    def ratio(payload: str) -> float:
        batch = prepare_values(payload, message_bytes, 1).block[:200_000]
        return len(batch) / len(zlib.compress(batch, 1))

    assert 2.5 < ratio("json") < 7
    assert ratio("random") < 1.01
    assert ratio("zeros") > 50 or message_bytes == 100


def test_a_batch_does_not_hold_the_same_record_many_times() -> None:
    found = records(prepare_values("json", 100, 1))
    assert len(set(found)) == len(found) >= 10_000


def test_the_pool_stays_bounded_for_huge_messages() -> None:
    values = prepare_values("random", 10_000_000, 1)
    assert len(values.block) <= MAX_POOL_BYTES
    assert len(values.places) >= 2


def test_zeros_are_one_value_of_zeros() -> None:
    values = prepare_values("zeros", 10, 1)
    assert (values.block, values.places, values.lengths) == (bytes(10), [0], [10])


def test_a_file_gives_one_sample_per_line_with_its_own_lengths(tmp_path: Path) -> None:
    (tmp_path / "samples.txt").write_bytes(b'{"a":1}\r\n\nlonger sample\n')
    values = prepare_values(f"file:{tmp_path / 'samples.txt'}", 999, 1)
    assert records(values) == [b'{"a":1}', b"longer sample"]
    assert values.mean_bytes == 10.0


@pytest.mark.parametrize("content", [None, b"", b"\n\r\n\n"])
def test_a_missing_or_empty_file_is_a_payload_error_that_names_it(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "samples.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LoadFailed, match=r"samples\.txt") as caught:
        prepare_values(f"file:{path}", 100, 1)
    assert caught.value.code == "PAYLOAD"
    assert caught.value.permanent


@pytest.mark.parametrize("payload", ["xml", "", "file", "JSON"])
def test_an_unknown_payload_is_refused(payload: str) -> None:
    with pytest.raises(LoadFailed, match="unknown payload"):
        prepare_values(payload, 100, 1)


def test_keys_are_seeded_and_spread_as_their_name_says() -> None:
    assert prepare_keys("none", 1) is None
    uniform = prepare_keys("uniform:1000", 1) or []
    zipf = prepare_keys("zipf:1000", 1) or []
    assert len(uniform) == len(zipf) == KEYED_MESSAGES
    assert uniform == prepare_keys("uniform:1000", 1)
    assert uniform != prepare_keys("uniform:1000", 2)
    assert Counter(uniform).most_common(1)[0][1] < KEYED_MESSAGES / 1000 * 2
    first = Counter(zipf)[b"00000000"]
    assert first / KEYED_MESSAGES == pytest.approx(1 / 7.485, rel=0.05)  # 1 / the 1000th harmonic number
    assert Counter(zipf)[b"00000001"] / first == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize("keys", ["uniform", "uniform:0", "zipf:-1", "zipf:²", "zipf:2000000", "hash:3", ""])
def test_keys_that_cannot_be_drawn_are_refused(keys: str) -> None:
    with pytest.raises(LoadFailed) as caught:
        prepare_keys(keys, 1)
    assert caught.value.code == "PAYLOAD"
