"""From the screen to `ingestune run`: arguments, private copies, and what is asked or refused before."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli

from ingestune_tui import settings as kept
from ingestune_tui.tui.grid_cards import count_grid
from ingestune_tui.tui.grid_document import GridDocument
from ingestune_tui.tui.run_request import arguments, question, question_to_resume, refusal
from ingestune_tui.tui.state import ClusterChoice
from tests.unit.store_values import make_study

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
    count = count_grid(document.grid, fresh=False)
    assert question(document, LOCAL, count) is None


def test_somebodys_cluster_is_asked_about_by_name_with_rate_bytes_and_time() -> None:
    document = GridDocument(TEXT)
    assert document.grid is not None
    count = count_grid(document.grid, fresh=False)
    asked = question(document, THEIRS, count)
    assert asked is not None
    assert asked.title == "Run new.toml on kafka1:9092?"
    assert asked.text.startswith("kafka1:9092 is somebody's cluster, and this sends to it as fast as one client can.")
    assert f"About {count.trials} trials take about " in asked.text
    assert "GB per node" in asked.text
    assert (asked.yes, asked.destroys) == ("Run", False)
    capped = GridDocument(TEXT + '[limits]\nbytes_per_s = "50MB"\n')
    assert capped.grid is not None
    asked = question(capped, THEIRS, count_grid(capped.grid, fresh=False))
    assert asked is not None
    assert "sends to it at most 50.0 MB/s" in asked.text


def test_changes_of_somebodys_brokers_are_named_one_by_one() -> None:
    text = TEXT + '[broker]\n"num.io.threads" = [4, 8]\n[baseline.broker]\n"num.network.threads" = 3\n'
    document = GridDocument(text)
    assert document.grid is not None
    asked = question(document, THEIRS, None)
    assert asked is not None
    words = "on each broker and puts them back: num.io.threads, num.network.threads (cluster-wide)."
    assert words in asked.text
    assert (asked.yes, asked.destroys) == ("Change them and run", True)


@pytest.mark.parametrize("cluster", [LOCAL, THEIRS])
@pytest.mark.parametrize("scope", ["workload", "topic"])
def test_thousands_of_partitions_are_asked_about_on_any_cluster(cluster: ClusterChoice, scope: str) -> None:
    document = GridDocument(TEXT + f"[{scope}]\npartitions = 3000\n[search]\nconfirm_pairs = 4\n")
    assert document.grid is not None
    asked = question(document, cluster, count_grid(document.grid, fresh=False))
    assert asked is not None
    assert "3000 partitions" in asked.text
    few = GridDocument(TEXT + "[workload]\npartitions = 900\n[search]\nconfirm_pairs = 4\n")
    assert few.grid is not None
    other = question(few, cluster, count_grid(few.grid, fresh=False))
    assert other is None or "partitions" not in other.text


def test_going_on_is_asked_about_only_on_somebodys_cluster() -> None:
    study = make_study(name="orders")
    document = GridDocument(TEXT + '[broker]\n"num.io.threads" = [4, 8]\n')
    assert question_to_resume(study, document, LOCAL, None) is None
    asked = question_to_resume(study, document, THEIRS, None)
    assert asked is not None
    assert asked.title == "Go on with orders on kafka1:9092?"
    assert "num.io.threads" in asked.text
    assert (asked.yes, asked.destroys) == ("Change them and go on", True)


def test_long_runs_are_asked_about_with_their_price() -> None:
    document = GridDocument(TEXT.replace("[0, 5]", str(list(range(100)))) + "[search]\nconfirm_pairs = 40\n")
    assert document.grid is not None
    asked = question(document, LOCAL, count_grid(document.grid, fresh=False))
    assert asked is not None
    assert "min" in asked.text or " h " in asked.text
    assert "write about" in asked.text


def test_what_cannot_be_run_says_why() -> None:
    static = GridDocument(TEXT + '[broker.static]\n"num.network.threads" = [3, 6]\n')
    assert "local only" in refusal(static, THEIRS, None)
    dynamic = GridDocument(TEXT + '[broker]\n"num.io.threads" = [4, 8]\n')
    assert "no settings (num.io.threads)" in refusal(dynamic, ClusterChoice("simulated"), None)
    assert refusal(dynamic, LOCAL, None) == ""
    invalid = GridDocument('[producer]\n"enable.idempotence" = true\nacks = "1"\n')
    assert invalid.grid is not None
    assert "idempotence" in refusal(invalid, LOCAL, count_grid(invalid.grid, fresh=False))
    assert refusal(GridDocument("[producer]\nacks = 7\n"), LOCAL, None)
