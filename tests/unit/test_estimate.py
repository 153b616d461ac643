"""What a study will cost, said before it runs: leaning high, within the limits, and growing with what is asked."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import msgspec
import pytest

from ingestune_tui.model.grid_reader import read_grid
from ingestune_tui.model.space import expand
from ingestune_tui.model.workload import Limits, Timings, Workload
from ingestune_tui.tuning import planner
from ingestune_tui.tuning.estimate import (
    Estimate,
    child_byte_cap,
    estimate,
    expected_messages_per_s,
    trial_bytes,
    usual_trial_bytes,
)
from ingestune_tui.tuning.exhaustive import plan_exhaustive
from ingestune_tui.tuning.log_bytes import logged_bytes, node_share
from ingestune_tui.tuning.preflight import cap_trials
from ingestune_tui.tuning.price import EXPECTED_NOISE, search_trials
from ingestune_tui.tuning.search_space import SearchSpace
from tests.unit.search_values import Study, grid, hill

GB = 1_000_000_000
SMALL = "[producer]\n'linger.ms' = [0, 5, 20]\n"


def cost(text: str, *, nodes: int = 1, fresh: bool = False, cached: int = 0, pairs: int | None = None) -> Estimate:
    grid = read_grid(text)
    spaces = [expand(grid, workload) for workload in grid.workloads]
    return estimate(grid, spaces, nodes=nodes, fresh=fresh, cached=cached, pairs=pairs)


def written(workload: Workload, limits: Limits | None = None, *, share: float = 1.0) -> int:
    return trial_bytes(workload, Timings(), limits or Limits(), share)


def test_larger_messages_are_fewer_a_second_and_more_bytes() -> None:
    workloads = [Workload(message_bytes=size) for size in (1, 10, 50, 100, 700, 1000, 10_000, 500_000)]
    rates = [expected_messages_per_s(each) for each in workloads]
    assert all(later <= earlier for earlier, later in itertools.pairwise(rates))
    loads = [rate * each.message_bytes for rate, each in zip(rates, workloads, strict=True)]
    assert all(later >= earlier * 0.999 for earlier, later in itertools.pairwise(loads))


def test_more_producers_send_more() -> None:
    assert expected_messages_per_s(Workload(producers=3)) == 3 * expected_messages_per_s(Workload())


def test_a_trial_never_writes_more_than_its_cap_and_less_where_the_rate_is_capped() -> None:
    huge = Workload(message_bytes=10_000, producers=4)
    assert written(huge) == Limits().bytes_per_trial
    assert written(huge, Limits(bytes_per_s=1_000_000)) < 30_000_000
    slow = trial_bytes(huge, Timings(), Limits(), 1.0, messages_per_s=10)
    assert slow < 10 * 10_100 * 30


def test_copies_are_counted_and_nodes_share_them() -> None:
    limits = Limits(bytes_per_s=1_000_000)
    one = written(Workload(), limits)
    assert written(Workload(), limits, share=node_share(6, 3, 3)) == one
    assert written(Workload(), limits, share=node_share(6, 1, 3)) == pytest.approx(one / 3, rel=0.001)


@pytest.mark.parametrize("size", [10, 100, 1000])
@pytest.mark.parametrize("producers", [1, 3])
@pytest.mark.parametrize(
    ("partitions", "replication", "nodes"), [(6, 1, 1), (1, 1, 3), (4, 1, 3), (6, 3, 3), (2, 2, 3)]
)
def test_the_childrens_caps_keep_the_fullest_node_below_the_limit(
    size: int, producers: int, partitions: int, replication: int, nodes: int
) -> None:
    workload = Workload(message_bytes=size, producers=producers)
    cap = child_byte_cap(Limits(bytes_per_trial=10 * GB), workload, node_share(partitions, replication, nodes))
    most_partitions = math.ceil(partitions * replication / nodes)
    messages = cap / size * producers
    on_a_node = messages * logged_bytes(workload) * most_partitions / partitions
    assert 9.9 * GB < on_a_node <= 10 * GB


@pytest.mark.parametrize(("size", "measured"), [(10, 3.0e6), (100, 2.4e6), (1000, 5.8e5)])
def test_a_fast_machine_writes_no_more_than_is_said_and_no_less_than_a_third(size: int, measured: float) -> None:
    """Rates that one librdkafka producer has reached, in trials of the usual length."""
    workload, timings, limits = Workload(message_bytes=size), Timings(), Limits(bytes_per_trial=1000 * GB)
    record = size + 10  # without a key: Kafka's record of 10 bytes takes 20
    usual = (timings.warmup_s + timings.saturated_s + 0.3 * timings.paced_s) * measured * record
    longest = (15 + timings.saturated_s + 0.3 * timings.paced_s) * measured * record
    assert usual < usual_trial_bytes(workload, timings, limits, 1.0) < 2 * usual
    assert longest < trial_bytes(workload, timings, limits, 1.0) < 3 * usual


def test_a_long_warm_up_is_never_said_to_be_shorter_than_it_is() -> None:
    limits = Limits(bytes_per_s=1_000_000)
    long = Timings(warmup_s=60.0)
    assert usual_trial_bytes(Workload(), long, limits, 1.0) == trial_bytes(Workload(), long, limits, 1.0) > 60_000_000


def test_keys_and_due_times_are_counted() -> None:
    limits, timings = Limits(bytes_per_s=1_000_000), Timings()
    plain = Workload(message_bytes=10)
    with_keys = written(Workload(message_bytes=10, keys="uniform:1000"), limits)
    assert with_keys == pytest.approx(written(plain, limits) * 28 / 20, rel=0.01)
    read = written(Workload(message_bytes=10, consumers=1), limits)
    assert read - written(plain, limits) == pytest.approx(13 * 20_000 * timings.paced_s, rel=0.01)


def test_a_cap_is_never_below_one_message() -> None:
    assert child_byte_cap(Limits(bytes_per_trial=10), Workload(message_bytes=5000), 3.0) == 5000


@pytest.mark.parametrize(
    ("levels", "strategy", "trials"),
    [
        ((1,), "race", 2),
        ((24,), "race", 48),
        ((5, 5), "race", 54),
        ((10, 4), "race", 72),
        ((6, 6, 6), "race", 108),
        ((6, 6, 6), "exhaustive", 224),
        ((24,), "exhaustive", 48),
    ],
)
def test_small_grids_are_measured_twice_and_large_ones_raced(
    levels: tuple[int, ...], strategy: str, trials: int
) -> None:
    assert search_trials(grid(*levels), strategy) == trials


@pytest.mark.parametrize(
    "space",
    [
        grid(5, 5, 4),
        grid(4, 5, baseline=None),
        grid(7, 4, baseline=None),
        grid(6, 6, classes=tuple(cell % 2 for cell in range(36))),
        grid(8, 9, classes=tuple(cell % 2 for cell in range(72))),
    ],
    ids=["raced", "small, baseline outside", "baseline outside", "few may win", "half may win"],
)
@pytest.mark.parametrize("strategy", ["race", "exhaustive"])
def test_the_price_of_a_search_is_what_the_planner_runs(
    monkeypatch: pytest.MonkeyPatch, space: SearchSpace, strategy: str
) -> None:
    """A race ends early where it is sure, so here it never is; its noise is the one it is priced at."""
    monkeypatch.setattr(planner, "_settled", lambda *_: None)
    monkeypatch.setattr(planner, "cap_trials", lambda cells, noise: cap_trials(cells, EXPECTED_NOISE))
    plan = {"race": planner.plan_race, "exhaustive": plan_exhaustive}[strategy]
    study = Study(space, lambda cell: hill(space, cell), planner=plan)
    study.search()
    assert len(study.searched) == search_trials(space, strategy)


def test_a_study_is_preflight_search_and_pairs() -> None:
    found = cost(SMALL)
    assert found.trials == 5 + 2 * 3 + 2 * 12
    assert found.seconds == pytest.approx(found.trials * (3 + 8 + 5 + 1.5))
    assert cost(SMALL, pairs=4).trials == 5 + 6 + 8
    assert cost(SMALL, cached=2).trials == found.trials - 2
    assert cost(SMALL, cached=100).trials == 5 + 24


def test_each_message_size_is_a_search_of_its_own() -> None:
    both = cost("[workload]\nmessage_bytes = [100, 1000]\n" + SMALL)
    assert both.trials == 2 * cost(SMALL).trials
    assert both.bytes_written > cost("[workload]\nmessage_bytes = 100\n" + SMALL).bytes_written


def test_brokers_started_for_a_study_cost_its_first_size_three_more_throw_aways() -> None:
    both = "[workload]\nmessage_bytes = [100, 1000]\n" + SMALL
    assert cost(SMALL, fresh=True).trials == cost(SMALL).trials + 3
    assert cost(both, fresh=True).trials == cost(both).trials + 3
    assert cost(both, fresh=True).seconds > cost(both).seconds


def test_a_cached_cell_is_saved_once_however_many_sizes_there_are() -> None:
    text = "[workload]\nmessage_bytes = [100, 1000]\n" + SMALL
    assert cost(text, cached=3).trials == cost(text).trials - 3


def test_more_cells_cost_more() -> None:
    counts = [1, 3, 10, 30, 100, 1000]
    costs = [cost(f"[producer]\n'linger.ms' = {list(range(count))}\n") for count in counts]
    for smaller, larger in itertools.pairwise(costs):
        assert larger.trials >= smaller.trials
        assert larger.seconds >= smaller.seconds
        assert larger.bytes_written >= smaller.bytes_written


def test_the_peak_stays_within_the_budget_or_one_trial() -> None:
    tight = "[workload]\nmessage_bytes = 10000\n[limits]\nbytes_per_trial = '10GB'\nbytes_on_disk = '12GB'\n"
    assert cost(tight + SMALL).peak_bytes <= 12 * GB
    lone = tight.replace("12GB", "1GB")
    assert cost(lone + SMALL).peak_bytes <= 10 * GB


def test_a_budget_cuts_time_trials_and_bytes_alike() -> None:
    whole = cost(SMALL)
    half = cost(SMALL + f"[search]\nbudget = '{whole.seconds / 2}s'\n")
    assert half.seconds == pytest.approx(whole.seconds / 2)
    assert half.trials == pytest.approx(whole.trials / 2, abs=1)
    assert half.bytes_written == pytest.approx(whole.bytes_written / 2, rel=0.01)
    assert replace(cost(SMALL + "[search]\nbudget = '24h'\n")) == whole


def test_the_widest_replication_of_the_grid_is_counted() -> None:
    text = "[workload]\nmessage_bytes = 100\n[limits]\nbytes_per_s = '1MB'\n"
    one, three = cost(text + SMALL), cost(text + SMALL + "[topic]\nreplication = [1, 3]\n")
    per_trial = three.bytes_written / three.trials
    assert per_trial == pytest.approx(3 * one.bytes_written / one.trials, rel=0.01)
    assert msgspec.json.encode(one)  # it goes to the app as it is


def test_the_fullest_node_of_the_grid_is_counted() -> None:
    text = "[workload]\nmessage_bytes = 100\n[limits]\nbytes_per_s = '1MB'\n" + SMALL
    even, lone = cost(text, nodes=3), cost(text + "[topic]\npartitions = [1, 6]\n", nodes=3)
    assert lone.bytes_written / lone.trials == pytest.approx(3 * even.bytes_written / even.trials, rel=0.01)
    assert lone.peak_bytes == pytest.approx(3 * even.peak_bytes, rel=0.01)
