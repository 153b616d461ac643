"""What the person has run again: beside the search and the pairs, changing neither. Measurements are scripted."""

from __future__ import annotations

import msgspec
import pytest

from ingestune_tui.model.events import Notice
from ingestune_tui.model.trial import Trial
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.measurement import Measurement, TrialOrder
from ingestune_tui.tuning.record import StudyRecord
from tests.unit.scripted_cluster import Script, Scripted, by_linger, scripted

GRID = """
[search]
confirm_pairs = 4
[producer]
"linger.ms" = [5, 20, 50]
acks = "all"
"""


def course(trial: Trial) -> tuple[str, int, int | None, bool, str]:
    """What was decided about a trial."""
    return trial.role, trial.cell, trial.pair, trial.baseline, trial.state


def asking(world: Scripted, when: int, *numbers: int) -> Script:
    """Asks for trials to be run again while trial `when` is at work."""
    plain = by_linger(noise=0.0)

    def script(order: TrialOrder) -> Measurement:
        if order.number == when and world.engine is not None:
            for number in numbers:
                world.engine.run_again(number)
        return plain(order)

    return script


@pytest.mark.parametrize("when", [7, 11, 12, 19])
async def test_a_trial_that_is_run_again_changes_neither_the_search_nor_the_pairs(
    monkeypatch: pytest.MonkeyPatch, store: Store, when: int
) -> None:
    plain = scripted(monkeypatch, store, GRID, by_linger(noise=0.0))
    straight = await plain.run(await plain.study("plain"))
    whole = await plain.trials(straight)

    world = scripted(monkeypatch, store, GRID)
    world.script = asking(world, when, 6)
    study = await world.run(await world.study("asked"))
    trials = await world.trials(study)
    (again,) = [trial for trial in trials if trial.role == "again"]
    first = next(trial for trial in trials if trial.number == 6)
    assert again.configuration == first.configuration
    assert (again.state, again.pair, again.rate, again.cell) == ("done", None, 300.0, first.cell)
    assert again.number == (14 if when == 12 else when + 1)  # 12 and 13 are a pair, and nothing comes between them
    assert [course(trial) for trial in trials if trial.role != "again"] == [course(trial) for trial in whole]
    assert study.state == "finished"
    assert study.outcomes[0].ratio == straight.outcomes[0].ratio


async def test_a_study_killed_while_a_trial_is_run_again_goes_on_without_it(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    world = scripted(monkeypatch, store, GRID)
    world.script = asking(world, 7, 6)
    study = await world.study()
    world.stop_after = 7
    assert (await world.run(study)).state == "stopped"
    world.stop_after = None
    ended = await world.run(study)
    trials = await world.trials(study)
    assert ended.state == "finished"
    assert [trial.state for trial in trials if trial.role == "again"] in ([], ["interrupted"])
    assert sum(trial.role == "search" and trial.state == "done" for trial in trials) == 6


async def test_asking_twice_measures_once_and_an_unknown_trial_is_said_so(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    world = scripted(monkeypatch, store, GRID)
    world.script = asking(world, 7, 6, 6, 99)
    study = await world.run(await world.study())
    assert [trial.role for trial in await world.trials(study)].count("again") == 1
    said = [event.text for event in world.events if isinstance(event, Notice)]
    assert "trial 6 will be run again, after what is at work now" in said
    assert "trial 6 is waiting to be run again already" in said
    assert "this study has no finished trial 99" in said


async def test_a_stop_after_the_last_verdict_drops_only_what_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    world = scripted(monkeypatch, store, GRID)
    plain = asking(world, 19, 6)

    def script(order: TrialOrder) -> Measurement:
        if order.number == 20 and world.engine is not None:
            world.engine.stop()
        return plain(order)

    world.script = script
    study = await world.run(await world.study())
    assert (study.state, study.outcomes[0].verdict) == ("finished", "faster")


async def test_what_was_run_again_may_be_skipped_and_costs_no_budget(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    world = scripted(monkeypatch, store, GRID)
    plain = asking(world, 7, 2)  # a trial of the baseline

    def script(order: TrialOrder) -> Measurement:
        if order.number == 8 and world.engine is not None:
            world.engine.skip(order.number)
        return plain(order)

    world.script = script
    study = await world.run(await world.study())
    trials = await world.trials(study)
    (again,) = [trial for trial in trials if trial.role == "again"]
    assert (again.error_code, again.baseline) == ("SKIPPED", True)
    assert study.state == "finished"
    costly = msgspec.structs.replace(again, duration_s=9000.0)
    assert StudyRecord(study, [costly], store).spent_s() == 0.0
