"""Editing a grid file: what changes, and what a person wrote beside it that must not."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestune_tui.errors import ExportError, UsageError
from ingestune_tui.tui.grid_document import GridDocument

TEXT = """\
# what this asks
title = "Batching"   # the title

[workload]
message_bytes = [100, 1000]  # two searches
# about partitions
partitions = 6

[producer]
# about linger
"linger.ms" = [0, 5, 20]  # end of linger
batch.size = [
  # the small one
  "16KiB",  # today
  "128KiB", # maybe
  # the big one
  "1MiB",
]
acks = "all"   # pins

# about the topic
[topic]
"min.insync.replicas" = 1

[search]
off = [
  "producer.linger.ms", # not today
]
"""


def comments(text: str) -> list[str]:
    return [line[line.index("#") :].rstrip() for line in text.splitlines() if "#" in line]


def test_the_text_is_read_as_a_grid() -> None:
    document = GridDocument(TEXT)
    assert document.problems == ()
    assert document.grid is not None
    assert document.grid.size == 3


def test_a_value_added_in_the_middle_leaves_the_comments_of_the_others() -> None:
    document = GridDocument(TEXT)
    assert document.set_values(("producer", "batch", "size"), ["16KiB", "64KiB", "128KiB", "1MiB"])
    assert comments(document.text) == comments(TEXT)
    assert tomli.loads(document.text)["producer"]["batch"]["size"] == ["16KiB", "64KiB", "128KiB", "1MiB"]


def test_one_value_becomes_a_list_when_a_second_one_is_typed() -> None:
    document = GridDocument(TEXT)
    document.set_values(("producer", "acks"), ["1", "all"])
    assert tomli.loads(document.text)["producer"]["acks"] == ["1", "all"]
    assert "# pins" in document.text


def test_the_same_values_again_are_no_edit() -> None:
    document = GridDocument(TEXT)
    assert not document.set_values(("producer", "linger.ms"), [0, 5, 20])
    assert not document.undo()


def test_a_new_parameter_stands_in_its_section_and_before_the_next_ones_comment() -> None:
    document = GridDocument(TEXT)
    document.add(("producer",), "compression.type", ["none", "lz4"])
    lines = document.text.splitlines()
    assert lines.index('"compression.type" = ["none", "lz4"]') < lines.index("# about the topic")
    assert comments(document.text) == comments(TEXT)


def test_a_missing_section_is_made() -> None:
    document = GridDocument(TEXT)
    document.add(("broker", "static"), "num.network.threads", [3, 6])
    assert tomli.loads(document.text)["broker"]["static"]["num.network.threads"] == [3, 6]
    assert comments(document.text) == comments(TEXT)


def test_deleting_a_parameter_takes_it_from_those_switched_off_and_leaves_nothing_of_a_dotted_name() -> None:
    document = GridDocument(TEXT)
    document.delete(("producer", "batch", "size"), "producer.batch.size")
    assert "batch" not in tomli.loads(document.text)["producer"]
    document.delete(("producer", "linger.ms"), "producer.linger.ms")
    assert tomli.loads(document.text)["search"].get("off", []) == []
    assert document.problems == ()


def test_switching_off_and_on_again_keeps_the_values() -> None:
    document = GridDocument(TEXT)
    document.toggle("producer.batch.size")
    assert document.grid is not None
    assert document.grid.size == 1
    document.toggle("producer.batch.size")
    assert document.text == TEXT


def test_a_parameter_that_was_switched_off_by_its_other_name_is_switched_on() -> None:
    document = GridDocument(TEXT.replace('"producer.linger.ms"', '"producer.queue.buffering.max.ms"'))
    document.toggle("producer.linger.ms")
    assert document.grid is not None
    assert not [each for each in document.grid.parameters if each.off]


def test_a_field_is_set_taken_out_and_set_in_a_section_that_was_missing() -> None:
    document = GridDocument(TEXT)
    document.set_field(("workload", "partitions"), 12)
    document.set_field(("trial", "warmup"), "5s")
    document.set_field(("title",), None)
    plain = tomli.loads(document.text)
    assert (plain["workload"]["partitions"], plain["trial"]["warmup"], "title" in plain) == (12, "5s", False)
    assert "# about partitions" in document.text


def test_undo_brings_back_whole_texts_and_redo_makes_the_edit_again() -> None:
    document = GridDocument(TEXT)
    document.set_values(("producer", "linger.ms"), [1])
    document.set_values(("producer", "acks"), ["1"])
    last = document.text
    assert document.undo()
    assert document.undo()
    assert document.text == TEXT
    assert not document.changed
    assert document.redo()
    assert document.redo()
    assert document.text == last


def test_a_file_that_is_not_toml_shows_where_and_cannot_be_edited_by_rows() -> None:
    document = GridDocument("[producer]\nacks = all\n")
    assert "line 2" in document.problems[0].path
    with pytest.raises(UsageError, match="cannot be edited"):
        document.set_values(("producer", "acks"), ["all"])


def test_a_byte_order_mark_is_no_part_of_a_grid(tmp_path: Path) -> None:
    path = tmp_path / "grid.toml"
    path.write_bytes(b"\xef\xbb\xbf" + b'title = "One"\n')
    document = GridDocument.open(path)
    assert document.problems == ()
    assert not document.changed_on_disk()
    assert document.set_field(("title",), "Two")
    assert document.text == 'title = "Two"\n'


def test_saving_writes_the_text_and_keeps_the_mode(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(TEXT)
    path.chmod(0o600)
    document = GridDocument.open(path)
    document.set_values(("producer", "acks"), ["1"])
    before = document.changed
    assert document.save() == path
    assert path.read_text() == document.text
    assert path.stat().st_mode & 0o777 == 0o600
    assert (before, document.changed) == (True, False)
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link_when_its_file_is_saved(tmp_path: Path) -> None:
    target, link = tmp_path / "target.toml", tmp_path / "link.toml"
    target.write_text(TEXT)
    link.symlink_to(target)
    document = GridDocument.open(link)
    document.set_values(("producer", "acks"), ["1"])
    document.save()
    assert link.is_symlink()
    assert target.read_text() == document.text


def test_a_file_that_someone_else_wrote_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(TEXT)
    document = GridDocument.open(path)
    assert not document.changed_on_disk()
    path.write_text(TEXT + "# theirs\n")
    assert document.changed_on_disk()


def test_a_ready_grid_is_never_written_to(tmp_path: Path) -> None:
    path = tmp_path / "quick.toml"
    path.write_text(TEXT)
    assert GridDocument.open(path, ready=True).path is None


def test_a_folder_that_is_not_there_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="could not be written"):
        GridDocument(TEXT).save(tmp_path / "none" / "x.toml")


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(
        st.sampled_from(["8KiB", "16KiB", "64KiB", "128KiB", "256KiB", "1MiB", 4096]), min_size=1, unique=True
    ),
    lingers=st.lists(st.integers(0, 900), min_size=1, max_size=8, unique=True),
)
def test_whatever_values_are_typed_comments_of_other_lines_and_other_values_survive(
    sizes: list[int | str], lingers: list[int]
) -> None:
    document = GridDocument(TEXT)
    document.set_values(("producer", "batch", "size"), sizes)
    document.set_values(("producer", "linger.ms"), lingers)
    plain, before = tomli.loads(document.text), tomli.loads(TEXT)
    assert plain["producer"]["batch"]["size"] == sizes
    assert plain["producer"]["linger.ms"] == lingers
    assert plain["producer"]["acks"] == "all"
    assert {key: plain[key] for key in plain if key != "producer"} == {
        key: before[key] for key in before if key != "producer"
    }
    inside = {"# today", "# maybe", "# the small one", "# the big one"}
    outside = [comment for comment in comments(TEXT) if comment not in inside]
    assert [comment for comment in comments(document.text) if comment not in inside] == outside


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["8KiB", "64KiB", "256KiB", 4096])), max_size=4))
def test_values_put_between_others_leave_every_comment(extra: list[tuple[int, int | str]]) -> None:
    wanted: list[int | str] = ["16KiB", "128KiB", "1MiB"]
    for place, value in extra:
        if value not in wanted:
            wanted.insert(place, value)
    document = GridDocument(TEXT)
    document.set_values(("producer", "batch", "size"), wanted)
    assert tomli.loads(document.text)["producer"]["batch"]["size"] == wanted
    assert comments(document.text) == comments(TEXT)
