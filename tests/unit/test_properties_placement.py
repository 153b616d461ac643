"""Where an exported file is placed: never over another one, whatever the file system offers."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ingestune_tui.errors import ExportError
from ingestune_tui.report.properties import write_properties


def test_a_dangling_link_counts_as_a_file_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "producer.properties"
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ExportError, match="exists"):
        write_properties(path, "acks=all\n", force=False)
    assert os.listdir(tmp_path) == [path.name]


def test_a_file_system_without_links_is_served_and_still_never_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(source: str, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    path = tmp_path / "producer.properties"
    write_properties(path, "acks=all\n", force=False)
    assert path.read_text() == "acks=all\n"
    with pytest.raises(ExportError, match="exists"):
        write_properties(path, "acks=0\n", force=False)
    assert path.read_text() == "acks=all\n"
    assert os.listdir(tmp_path) == [path.name]
