"""From the screen to `ingestune run`: arguments, private copies, and what is asked or refused before."""

from __future__ import annotations

from pathlib import Path

import tomli

from ingestune_tui import settings as kept
from ingestune_tui.tui.grid_cards import count_grid
from ingestune_tui.tui.grid_document import GridDocument
from ingestune_tui.tui.run_request import arguments, question, refusal
from ingestune_tui.tui.state import ClusterChoice

TEXT = '[producer]\n"linger.ms" = [0, 5]\n'
LOCAL, THEIRS = ClusterChoice("local"), ClusterChoice("kafka1:9092", Path("/c.properties"))


def settings(tmp_path: Path) -> kept.Settings:
    return kept.load(environment={"INGESTUNE_HOME": str(tmp_path / "home")})


def test_a_saved_grid_runs_from_its_own_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(TEXT)
    found = arguments(GridDocument.open(path), THEIRS, settings(tmp_path))
    assert found[0] == str(path)
    assert found[found.index("--cluster") + 1] == "kafka1:9092"
    assert found[found.index("--command-config") + 1] == "/c.properties"
    assert "--yes" in found


def test_an_unsaved_grid_runs_from_a_private_copy_whose_relative_paths_still_hold(tmp_path: Path) -> None:
    (tmp_path / "today.properties").write_text("linger.ms=0\n")
    path = tmp_path / "mine.toml"
    path.write_text(TEXT + '[baseline]\nproducer = "today.properties"\n')
    document = GridDocument.open(path)
    document.set_values(("producer", "linger.ms"), [0, 20])
    copy = Path(arguments(document, LOCAL, settings(tmp_path))[0])
    assert copy != path
    assert copy.name == "mine.toml"
    plain = tomli.loads(copy.read_text())
    assert plain["producer"]["linger.ms"] == [0, 20]
    assert plain["baseline"]["producer"] == str(tmp_path / "today.properties")
    assert document.changed


def test_broker_changes_are_allowed_only_for_a_grid_that_makes_them(tmp_path: Path) -> None:
    document = GridDocument(TEXT + '[broker]\n"num.io.threads" = [4, 8]\n')
    assert "--allow-broker-changes" in arguments(document, LOCAL, settings(tmp_path))
    assert "--allow-broker-changes" not in arguments(GridDocument(TEXT), LOCAL, settings(tmp_path))


def test_short_runs_on_our_own_cluster_are_not_asked_about() -> None:
    document = GridDocument(
        TEXT + '[trial]\nwarmup = "1s"\nsaturated = "1s"\npaced = "1s"\n[search]\nconfirm_pairs = 4\n'
    )
    assert document.grid is not None
    count = count_grid(document.grid)
    assert question(document, LOCAL, count) == ""
    assert "kafka1:9092 is somebody's cluster" in question(document, THEIRS, count)


def test_long_runs_are_asked_about_with_their_price() -> None:
    document = GridDocument(TEXT.replace("[0, 5]", str(list(range(100)))) + "[search]\nconfirm_pairs = 40\n")
    assert document.grid is not None
    asked = question(document, LOCAL, count_grid(document.grid))
    assert "min" in asked or " h " in asked
    assert "writes about" in asked


def test_what_cannot_be_run_says_why() -> None:
    static = GridDocument(TEXT + '[broker.static]\n"num.network.threads" = [3, 6]\n')
    assert "local only" in refusal(static, THEIRS, None)
    invalid = GridDocument('[producer]\n"enable.idempotence" = true\nacks = "1"\n')
    assert invalid.grid is not None
    assert "idempotence" in refusal(invalid, LOCAL, count_grid(invalid.grid))
    assert refusal(GridDocument("[producer]\nacks = 7\n"), LOCAL, None)
