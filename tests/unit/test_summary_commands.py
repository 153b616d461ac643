"""`ingestune results` and `ingestune report` on a real database."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import re
import stat
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.cli.export import export
from ingestune_tui.cli.results import report, results
from ingestune_tui.errors import ExportError, StudyError
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.study import Outcome
from ingestune_tui.model.workload import Workload
from ingestune_tui.storage.owner import this_process
from ingestune_tui.storage.store import Store
from tests.tui.fake_study import FakeStudy
from tests.unit.store_values import make_study, make_trial


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A database with one finished study of two message sizes."""
    path = tmp_path / "results.db"

    async def fill() -> None:
        fake = FakeStudy(sizes=(10, 1000), pairs=4)
        fake.all()
        async with await Store.open(path) as store:
            await store.create_study(fake.study())
            for trial in fake.trials:
                await store.finish_trial(trial, fake.samples.get(trial.id, ()), {})

    asyncio.run(fill())
    return str(path)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(results, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_without_a_study_it_lists_them(database: str) -> None:
    text = run("--database", database)
    assert "quick" in text
    assert "finished" in text


def test_the_list_as_json_and_csv_names_the_same_study(database: str) -> None:
    (line,) = run("--database", database, "--json").splitlines()
    (row,) = csv.DictReader(io.StringIO(run("--database", database, "--csv")))
    assert json.loads(line)["study"] == row["study"] == "quick"
    assert json.loads(line)["trials"] == int(row["trials"]) > 50


def test_a_study_shows_its_leaderboards_under_their_claims(database: str) -> None:
    text = run("qui", "--database", database)
    assert "no measurable difference" in text
    assert "faster" in text
    assert "◆" in text


def test_its_json_is_a_line_per_configuration_and_the_outcome(database: str) -> None:
    lines = [json.loads(line) for line in run("quick", "--database", database, "--json").splitlines()]
    assert {line["event"] for line in lines} == {"configuration", "study_finished"}
    assert all(line["v"] == 1 for line in lines)
    assert lines[-1]["outcomes"][1]["winner"]["producer"]["compression.type"] == "lz4"


def test_its_csv_can_be_read_back(database: str) -> None:
    rows = list(csv.DictReader(io.StringIO(run("quick", "--database", database, "--csv"))))
    assert {row["message_bytes"] for row in rows} == {"10", "1000"}
    assert {row["producer.linger.ms"] for row in rows} == {"", "0", "5", "20"}


def test_a_killed_study_is_interrupted_and_a_living_one_runs(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    mine = this_process()
    gone = msgspec.structs.replace(mine, process_started_at=mine.process_started_at - 60)

    async def fill() -> None:
        async with await Store.open(path) as store:
            for study, owner in ((make_study("killed"), gone), (make_study("alive"), mine)):
                await store.create_study(study)
                await store.claim_study(study.id, owner)
                await store.finish_trial(make_trial(study.id), (), {})

    asyncio.run(fill())
    lines = [json.loads(line) for line in run("--database", str(path), "--json").splitlines()]
    assert {line["study"]: line["state"] for line in lines} == {"killed": "interrupted", "alive": "running"}
    assert re.search(r"killed .* interrupted", run("--database", str(path)))
    assert "ingestune run --study killed" in run("killed", "--database", str(path))
    assert json.loads(run("killed", "--database", str(path), "--json").splitlines()[-1])["state"] == "interrupted"


def test_json_and_csv_exclude_each_other(database: str) -> None:
    result = CliRunner().invoke(results, ["--database", database, "--json", "--csv"])
    assert result.exit_code == 2


def test_a_study_that_is_not_there_is_an_error_with_a_hint(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StudyError):
        CliRunner().invoke(results, ["nope", "--database", database], catch_exceptions=False)
    monkeypatch.setenv("INGESTUNE_DATABASE", str(tmp_path / "no.db"))
    with pytest.raises(StudyError, match="no study yet"):
        CliRunner().invoke(results, ["x"], catch_exceptions=False)


def test_no_database_yet_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGESTUNE_DATABASE", str(tmp_path / "no.db"))
    result = CliRunner().invoke(results, [], catch_exceptions=False)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "ingestune run GRID" in result.stderr
    assert not (tmp_path / "no.db").exists()


def test_a_report_is_written_for_this_person_and_never_over_a_file_unasked(database: str, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    arguments = ["quick", "-o", str(page), "--database", database]
    assert CliRunner().invoke(report, arguments, catch_exceptions=False).exit_code == 0
    assert "<svg" in page.read_text()
    assert stat.S_IMODE(os.stat(page).st_mode) == 0o600
    page.write_text("mine")
    with pytest.raises(ExportError, match="exists"):
        CliRunner().invoke(report, arguments, catch_exceptions=False)
    assert page.read_text() == "mine"
    assert CliRunner().invoke(report, [*arguments, "--force"], catch_exceptions=False).exit_code == 0
    assert "<svg" in page.read_text()


def test_a_report_that_cannot_be_written_says_where(database: str) -> None:
    with pytest.raises(ExportError, match="/no/such/place"):
        CliRunner().invoke(
            report, ["quick", "-o", "/no/such/place/r.html", "--database", database], catch_exceptions=False
        )


@pytest.mark.parametrize(
    ("scope", "line"),
    [
        ("producer", "linger.ms=20"),
        ("consumer", "fetch.min.bytes=65536"),
        ("topic", "flush.messages=9"),
        ("broker", "num.io.threads=4"),
        ("broker.static", "queued.max.requests=7"),
    ],
)
def test_every_scope_of_a_winner_can_be_exported(tmp_path: Path, scope: str, line: str) -> None:
    winner = Configuration.of(
        {
            Scope.PRODUCER: {"linger.ms": 20},
            Scope.CONSUMER: {"fetch.min.bytes": 65536},
            Scope.TOPIC: {"flush.messages": 9, "partitions": 6},
            Scope.BROKER: {"num.io.threads": 4},
            Scope.BROKER_STATIC: {"queued.max.requests": 7},
        }
    )
    outcome = Outcome(
        workload=Workload(), objective="throughput", verdict="unconfirmed", winner=winner, baseline=Configuration()
    )

    async def fill() -> None:
        async with await Store.open(tmp_path / "results.db") as store:
            await store.create_study(make_study("wide", state="finished", outcomes=(outcome,)))

    asyncio.run(fill())
    arguments = ["wide", "--scope", scope, "--database", str(tmp_path / "results.db")]
    result = CliRunner().invoke(export, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    settings = [each for each in result.stdout.splitlines() if each and not each.startswith("#")]
    assert line in settings
    assert len(settings) == (2 if scope == "broker" else 1)
