"""How a study's budget of time is shared: between its workloads, and in each between search and confirmation. Pure.

Moments are seconds of the study's own clock, which counts trials and waits and stands still while it is paused. The
workload run decides once, after its preflight, and keeps what was decided.
"""

from __future__ import annotations

from ingestune_tui.tuning.confirm import FEWEST_PAIRS
from ingestune_tui.tuning.price import Prices

_SEARCH_SHARE = 0.4
"""Of the time left after the preflight that a search keeps when the budget is too small for all pairs."""


def share(
    budget_s: float, *, spent_s: float, workloads_left: int, prices: Prices, trial_s: float, pairs: int
) -> tuple[float, float]:
    """When this workload's share of the budget ends, and its search before that, after `spent_s`.

    `workloads_left` counts this one; the others' preflights are set aside, and what is left is shared evenly. The
    confirmation's time comes first: of all `pairs`, else of as many as leave the search its share, and never of fewer
    than a claim needs. `trial_s` is the price of one trial.
    """
    preflights_s = (workloads_left - 1) * prices.preflight().seconds(trial_s)
    left_s = max(0.0, budget_s - spent_s - preflights_s) / workloads_left
    spare = prices.dearest_trial  # beside the pairs: trials differ in length, and the search's last may end late
    reserve_s = (prices.confirmation(pairs) + spare).seconds(trial_s)
    least_s = (prices.confirmation(min(pairs, FEWEST_PAIRS)) + spare).seconds(trial_s)
    search_s = _SEARCH_SHARE * left_s
    if left_s - least_s >= 2 * trial_s:  # else a claim and somebody to make it of do not fit both
        search_s = max(left_s - reserve_s, min(search_s, left_s - least_s))
    return spent_s + left_s, spent_s + search_s
