"""Whatever a trial holds comes back equal, and thousands of them come back fast."""

from __future__ import annotations

import time
import types
import typing
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestune_tui.catalogue.catalogue import Scope
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.sample import Sample
from ingestune_tui.model.study import Outcome
from ingestune_tui.model.trial import Trial
from ingestune_tui.model.workload import Workload
from ingestune_tui.storage.rows import (
    configuration_body,
    configuration_of,
    decode_study,
    pack_samples,
    text_of,
    trial_body,
    trial_of,
    trial_row,
    unpack_samples,
)
from ingestune_tui.storage.store import Store
from tests.unit.store_values import make_samples, make_study, make_trial

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), NUMBERS, TEXT)
CONFIGURATIONS = st.dictionaries(st.sampled_from(list(Scope)), st.dictionaries(TEXT, VALUES, max_size=3)).map(
    Configuration.of
)
st.register_type_strategy(Configuration, CONFIGURATIONS)
st.register_type_strategy(str, TEXT)
st.register_type_strategy(float, NUMBERS)
st.register_type_strategy(int, st.integers(-(2**63), 2**63 - 1))


def built(struct: type[msgspec.Struct]) -> st.SearchStrategy[msgspec.Struct]:
    """Any value of a struct, every field given."""
    hints = typing.get_type_hints(struct)
    return st.builds(struct, **{name: _strategy(hints[name]) for name in struct.__struct_fields__})


def _strategy(hint: object) -> st.SearchStrategy[object]:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct) and hint is not Configuration:
        return built(hint)
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return st.one_of(*(_strategy(each) for each in typing.get_args(hint)))
    return st.from_type(hint)  # type: ignore[arg-type]


@given(built(Trial))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_trial_survives_the_database(trial: Trial) -> None:
    configuration = configuration_of(configuration_body(trial.configuration))
    assert configuration == trial.configuration
    assert trial_of(trial_body(trial), configuration) == trial


@given(st.lists(built(Sample), max_size=3))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_series_survives_the_database(samples: list[Sample]) -> None:
    assert unpack_samples(pack_samples(samples)) == samples


async def test_five_thousand_trials_are_read_in_a_moment(tmp_path: Path) -> None:
    study = make_study()
    async with await Store.open(tmp_path / "results.db") as store:
        await store.create_study(study)
        await store.finish_trial(make_trial(study.id, 1), make_samples())
        await store._database.all(
            "with recursive n(i) as (values (2) union all select i + 1 from n where i < 5000)"
            " insert into trial (id, study_id, number, configuration_id, role, state, baseline, discarded, permanent,"
            " flags, message_bytes, config_hash, env_hash, method_hash, started_at, finished_at, body, rev)"
            " select id || i, study_id, i, configuration_id, role, state, 0, 0, 0, '', 1000, config_hash, env_hash,"
            " method_hash, started_at, finished_at, json_set(body, '$.number', i), rev from trial, n"
        )
        best_s = min([await _timed(store, study.id) for _ in range(3)])
    assert best_s < 1, f"{best_s * 1000:.0f} ms of CPU (about 40 are usual; the series of each would take seconds)"


async def _timed(store: Store, study_id: str) -> float:
    started = time.process_time()
    assert len(await store.trials(study_id)) == 5000
    return time.process_time() - started


def test_flags_that_this_version_does_not_know_are_left_out() -> None:
    trial = make_trial("study", flags=("unsteady",))
    body = trial_body(trial).replace('"flags":["unsteady"]', '"flags":["late","unsteady","few-samples"]')
    assert '"late"' in body
    read = trial_of(body, trial.configuration)
    assert read == trial
    assert "late unsteady few-samples" in trial_row(read, "configuration", body, 1)  # still kept out of the cache


def test_a_body_with_unknown_flags_that_is_no_trial_is_still_refused() -> None:
    for body in ('{"flags":["late"]}', '{"flags":"late"}', '["late"]', "{"):
        with pytest.raises(msgspec.MsgspecError):
            trial_of(body, Configuration())


def test_an_outcome_that_says_nothing_of_the_machine_is_read_as_one_of_a_steady_machine() -> None:
    outcome = Outcome(
        workload=Workload(),
        objective="throughput",
        verdict="unconfirmed",
        baseline=Configuration(),
        unstable_spread=0.42,
    )
    study = make_study(outcomes=(outcome,))
    body = text_of(study)
    assert decode_study(body) == study
    older = body.replace('"unstable_spread":0.42,', "")
    assert older != body
    assert decode_study(older).outcomes == (msgspec.structs.replace(outcome, unstable_spread=None),)
