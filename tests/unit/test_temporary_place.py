"""Where the data of a temporary broker lies."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import psutil
import pytest

from ingestune_tui.kafka import broker_home
from ingestune_tui.kafka.broker_home import temporary_home
from ingestune_tui.kafka.temporary_place import Place, candidates, choose, look_at

GB = 10**9
TMP, LARGE = Path("/tmp"), Path("/var/tmp")


def place(folder: Path, free: int, *, in_memory: bool = False) -> Place:
    return Place(folder, free, in_memory)


def test_the_usual_place_is_taken_without_a_word_where_it_is_a_disk_with_room() -> None:
    usual = place(TMP, 5 * GB)
    assert choose([usual, place(LARGE, 900 * GB)], 5 * GB) == (usual, "")


@pytest.mark.parametrize(
    ("usual", "why"),
    [
        (place(TMP, 2 * GB), "/tmp has 2.00 GB free"),
        (place(TMP, 8 * GB, in_memory=True), "/tmp, which is kept in memory, has 8.00 GB free"),
    ],
)
def test_a_small_one_or_one_in_memory_gives_way_and_that_is_said(usual: Place, why: str) -> None:
    large = place(LARGE, 50 * GB)
    assert choose([usual, large], 5 * GB) == (large, f"the broker's data goes to /var/tmp: {why}")


def test_where_none_has_room_the_roomiest_is_taken() -> None:
    assert choose([place(TMP, 2 * GB), place(LARGE, 1 * GB)], 5 * GB) == (place(TMP, 2 * GB), "")
    chosen, remark = choose([place(TMP, 2 * GB, in_memory=True)], 5 * GB)
    assert chosen.folder == TMP
    assert "kept in memory" in remark
    assert "TMPDIR" in remark


def test_the_persons_own_choice_is_the_only_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert candidates() == [tmp_path]
    monkeypatch.delenv("TMPDIR")
    assert candidates()[0] == tmp_path


def test_the_file_system_of_a_place_is_that_of_the_nearest_mount(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Mount:
        def __init__(self, mountpoint: Path, fstype: str) -> None:
            self.mountpoint, self.fstype = str(mountpoint), fstype

    mounts = [Mount(tmp_path, "tmpfs"), Mount(Path("/"), "ext4"), Mount(tmp_path / "disk", "ext4")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: mounts)
    (tmp_path / "disk" / "deep").mkdir(parents=True)
    assert look_at(tmp_path).in_memory
    assert not look_at(tmp_path / "disk" / "deep").in_memory
    assert look_at(tmp_path).free_bytes > 0


def test_a_home_is_made_where_there_is_room_and_reaped_in_every_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    places = [tmp_path / "small", tmp_path / "large"]
    free = dict(zip(places, (1 * GB, 9 * GB), strict=True))
    for each in places:
        each.mkdir()
    monkeypatch.setattr(broker_home, "candidates", lambda: places)
    monkeypatch.setattr(broker_home, "look_at", lambda folder: place(folder, free[folder]))
    said: list[str] = []
    old = temporary_home(1 * GB, said.append)
    assert (old.parent.parent, said) == (places[0], [])
    (old / "owner.json").write_text("{}", encoding="utf-8")  # its owner is gone
    new = temporary_home(5 * GB, said.append)
    assert (new.parent.parent, len(said)) == (places[1], 1)
    assert not old.exists()


def test_a_folder_of_somebody_else_in_the_other_place_is_nobodys_business(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    places = [tmp_path / "usual", tmp_path / "other"]
    for each in places:
        each.mkdir()
    monkeypatch.setattr(broker_home, "candidates", lambda: places)
    monkeypatch.setattr(broker_home, "look_at", lambda folder: place(folder, 9 * GB))
    theirs = places[1] / f"ingestune-kafka-{os.getuid()}"
    (theirs / "kafka-1").mkdir(parents=True)
    (theirs / "kafka-1" / "owner.json").write_text("{}", encoding="utf-8")
    theirs.chmod(0o777)
    assert temporary_home().parent.parent == places[0]
    assert (theirs / "kafka-1").exists()
