"""The store as the engine and the app use it: studies, owners, trials, the cache, the journal."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from ingestune_tui.errors import StoreError, StudyError
from ingestune_tui.model.events import now
from ingestune_tui.model.journal import JournalEntry
from ingestune_tui.model.study import Owner
from ingestune_tui.storage.owner import this_process
from ingestune_tui.storage.store import Store
from tests.unit.store_values import CLUSTER, HISTOGRAMS, linger, make_samples, make_study, make_trial

WEEK_S = 7 * 86_400.0


def dead_owner() -> Owner:
    """A process of this host that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return Owner(host=socket.gethostname(), pid=child.pid, process_started_at=1.0)


async def test_a_finished_trial_comes_back_as_it_was(store: Store) -> None:
    study = make_study()
    await store.create_study(study)
    trial = make_trial(study.id)
    samples = make_samples()
    await store.begin_trial(msgspec.structs.replace(trial, state="running"))
    await store.finish_trial(trial, samples, HISTOGRAMS)
    assert await store.trials(study.id) == [trial]
    assert await store.trial(trial.id) == trial
    assert await store.samples(trial.id) == samples
    assert await store.histograms(trial.id) == HISTOGRAMS


async def test_what_was_stored_is_there_after_opening_again(tmp_path: Path) -> None:
    study = make_study()
    async with await Store.open(tmp_path / "results.db") as store:
        await store.create_study(study)
        await store.finish_trial(make_trial(study.id))
    async with await Store.open(tmp_path / "results.db") as store:
        assert await store.studies() == [study]
        assert len(await store.trials(study.id)) == 1


async def test_trials_come_by_number_and_studies_newest_first(store: Store) -> None:
    old = make_study("old", created_at="2026-01-01T00:00:00.000Z")
    new = make_study("new", created_at="2026-01-02T00:00:00.000Z")
    for study in (new, old):
        await store.create_study(study)
    for number in (3, 1, 2):
        await store.finish_trial(make_trial(old.id, number))
    assert [trial.number for trial in await store.trials(old.id)] == [1, 2, 3]
    assert [study.name for study in await store.studies()] == ["new", "old"]


async def test_text_with_nul_and_half_characters_is_stored_readably(store: Store) -> None:
    study = make_study()
    await store.create_study(study)
    trial = make_trial(study.id, state="failed", error="bad\0codec \ud800 µ")
    await store.finish_trial(trial)
    assert (await store.trial(trial.id)).error == "bad\ufffdcodec \ufffd µ"


async def test_a_trial_of_no_study_is_refused(store: Store) -> None:
    with pytest.raises(StoreError):
        await store.finish_trial(make_trial("nowhere"))


async def test_two_trials_cannot_have_one_number(store: Store) -> None:
    study = make_study()
    await store.create_study(study)
    await store.finish_trial(make_trial(study.id, 1))
    with pytest.raises(StoreError):
        await store.finish_trial(make_trial(study.id, 1))


async def test_a_study_changes_field_by_field(store: Store) -> None:
    study = make_study()
    await store.create_study(study)
    changed = await store.update_study(study.id, message="waits for disk", rates={"100": 5.0})
    assert changed == msgspec.structs.replace(study, message="waits for disk", rates={"100": 5.0})
    assert await store.find_study(study.id) == changed
    with pytest.raises(StudyError):
        await store.update_study("missing", message="")


async def test_a_name_is_given_once(store: Store) -> None:
    await store.create_study(make_study("quick"))
    with pytest.raises(StudyError, match="named quick already"):
        await store.create_study(make_study("quick"))
    assert await store.unique_name("quick") == "quick-2"
    await store.create_study(make_study("quick-2"))
    assert await store.unique_name("quick") == "quick-3"
    assert await store.unique_name("other") == "other"


async def test_a_living_owner_keeps_its_study(store: Store) -> None:
    study = make_study()
    await store.create_study(study)
    mine = this_process("/run/a.sock")
    await store.update_study(study.id, message="stopped before its end")
    claimed = await store.claim_study(study.id, mine)
    assert (claimed.owner, claimed.message) == (mine, "")
    other = Owner(host=socket.gethostname(), pid=os.getpid(), process_started_at=5.0)
    with pytest.raises(StudyError) as caught:
        await store.claim_study(study.id, other)
    assert str(os.getpid()) in caught.value.what
    assert socket.gethostname() in caught.value.what
    assert "ingestune attach quick" in caught.value.hint


async def test_a_dead_owner_is_replaced_and_its_running_trials_are_interrupted(store: Store) -> None:
    study = make_study()
    await store.create_study(study)
    await store.claim_study(study.id, dead_owner())
    done, running = make_trial(study.id, 1), make_trial(study.id, 2, state="running", finished_at="")
    await store.finish_trial(done)
    await store.begin_trial(running)
    mine = this_process()
    assert (await store.claim_study(study.id, mine)).owner == mine
    first, second = await store.trials(study.id)
    assert first == done
    assert second.state == "interrupted"
    assert second.finished_at
    assert second.configuration == running.configuration


async def test_a_reused_pid_is_not_taken_for_the_owner(store: Store) -> None:
    study = make_study()
    await store.create_study(study)
    earlier = Owner(host=socket.gethostname(), pid=os.getpid(), process_started_at=1.0)
    await store.claim_study(study.id, earlier)
    mine = this_process()
    assert (await store.claim_study(study.id, mine)).owner == mine


async def test_an_owner_on_another_host_is_never_presumed_dead_within_a_day(store: Store) -> None:
    study = make_study()
    await store.create_study(study)
    await store.claim_study(study.id, Owner(host="elsewhere", pid=1, process_started_at=1.0))
    with pytest.raises(StudyError, match="on elsewhere"):
        await store.claim_study(study.id, this_process())


async def test_only_the_owner_releases_a_study(store: Store) -> None:
    study = make_study()
    await store.create_study(study)
    mine = this_process()
    await store.claim_study(study.id, mine)
    await store.release_study(study.id, dead_owner(), "finished")
    assert (await store.find_study(study.id)).owner == mine
    await store.release_study(study.id, mine, "finished")
    released = await store.find_study(study.id)
    assert released.owner is None
    assert released.state == "finished"
    assert released.finished_at


async def test_a_study_is_found_by_name_id_and_unique_prefix(store: Store) -> None:
    quick, quicker = make_study("quick"), make_study("quick-2", created_at="2099-01-01T00:00:00.000Z")
    await store.create_study(quick)
    await store.create_study(quicker)
    assert await store.find_study("quick") == quick
    assert await store.find_study("quick-") == quicker
    assert await store.find_study(quick.id) == quick
    with pytest.raises(StudyError, match="could mean 2 studies: quick-2, quick"):
        await store.find_study("qui")
    with pytest.raises(StudyError) as caught:
        await store.find_study("quikc")
    assert "quick" in caught.value.hint


async def test_the_newest_study_is_the_newest_that_holds_trials(store: Store) -> None:
    with pytest.raises(StudyError, match="no study yet"):
        await store.find_study(None)
    old, newer = make_study("old", created_at="2026-01-01T00:00:00.000Z"), make_study("newer")
    wrong = make_study("wrong", created_at="2099-01-01T00:00:00.000Z", state="failed", message="nobody answers\nTry.")
    await store.create_study(wrong)
    with pytest.raises(StudyError, match="the only study holds no trial yet") as caught:
        await store.find_study(None)
    assert "The newest, wrong, is failed: nobody answers. `ingestune run" in caught.value.hint
    for study in (old, newer):
        await store.create_study(study)
    with pytest.raises(StudyError, match="none of the 3 studies holds a trial yet"):
        await store.find_study(None)
    await store.finish_trial(make_trial(old.id))
    assert (await store.find_study(None)).name == "old"
    await store.finish_trial(make_trial(newer.id))
    assert (await store.find_study(None)).name == "newer"
    assert (await store.find_study("wrong")) == wrong


async def test_the_study_to_watch_is_one_that_runs_here_before_its_first_trial(store: Store) -> None:
    measured, young, dead, away = (make_study(name) for name in ("measured", "young", "dead", "away"))
    for study in (measured, young, dead, away):
        await store.create_study(study)
    await store.finish_trial(make_trial(measured.id))
    await store.claim_study(dead.id, dead_owner())
    await store.claim_study(away.id, msgspec.structs.replace(dead_owner(), host="another"))
    assert (await store.study_to_watch()).name == "measured"
    await store.claim_study(young.id, this_process())
    assert (await store.study_to_watch()).name == "young"


async def test_a_study_is_renamed(store: Store) -> None:
    study = make_study("quick")
    await store.create_study(study)
    await store.create_study(make_study("taken"))
    await store.rename_study(study.id, "batching")
    assert (await store.find_study("batching")).id == study.id
    with pytest.raises(StudyError):
        await store.rename_study(study.id, "taken")


async def test_a_deleted_study_takes_its_trials_along(store: Store) -> None:
    study = make_study()
    await store.create_study(study)
    trial = make_trial(study.id)
    await store.finish_trial(trial, make_samples(), HISTOGRAMS)
    await store.delete_study(study.id)
    assert await store.studies() == []
    assert await store.samples(trial.id) == []
    with pytest.raises(StoreError):
        await store.trial(trial.id)


async def test_a_running_study_is_not_deleted(store: Store) -> None:
    study = make_study()
    await store.create_study(study)
    await store.claim_study(study.id, this_process())
    with pytest.raises(StudyError, match="is being run"):
        await store.delete_study(study.id)


async def test_a_stored_trial_stands_in_only_where_it_may(store: Store) -> None:
    source, asking = make_study("source"), make_study("asking")
    for study in (source, asking):
        await store.create_study(study)
    good = make_trial(source.id, 1, finished_at="2099-01-01T00:00:00.000Z")
    infeasible = make_trial(source.id, 2, state="infeasible", permanent=True)
    for trial in (
        good,
        infeasible,
        make_trial(source.id, 3, flags=("unsteady",)),
        make_trial(source.id, 4, discarded=True),
        make_trial(source.id, 5, cached_from="another"),
        make_trial(source.id, 6, state="infeasible", permanent=False),
        make_trial(source.id, 7, finished_at="2020-01-01T00:00:00.000Z"),
        make_trial(source.id, 8, configuration=linger(20)),
        make_trial(source.id, 9, env_hash="other"),
        make_trial(source.id, 10, state="interrupted"),
        make_trial(asking.id, 1),
    ):
        await store.finish_trial(trial)

    async def cached() -> list[int]:
        found = await store.find_cached(linger(5).hash, "env", "method", younger_than_s=WEEK_S, not_in_study=asking.id)
        return [trial.number for trial in found]

    assert await cached() == [1, 2]
    await store.finish_trial(make_trial(asking.id, 2, cached_from=good.id))
    assert await cached() == [2]


async def test_the_journal_keeps_what_must_be_restored(store: Store) -> None:
    entry = JournalEntry(
        id="1", study_id="s", cluster_id=CLUSTER.id, node_id=2, name="num.io.threads", previous_value=None,
        previous_source="default", applied_value="16", at=now(),
    )  # fmt: skip
    await store.add_journal(entry)
    assert await store.journal_entries(CLUSTER.id) == [entry]
    assert await store.journal_entries("other") == []
    assert await store.journal_entries() == [entry]
    await store.remove_journal("1")
    assert await store.journal_entries() == []
