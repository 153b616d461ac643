"""A study at work: its row and its trials, in memory and in the store at once. Owned by the engine.

What was decided (the paced rate, the leader to confirm, the number of pairs) stands in the row, so that a study that
was killed decides nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ingestune_tui.model.sample import Sample
from ingestune_tui.model.study import Study
from ingestune_tui.model.trial import Trial
from ingestune_tui.model.workload import Workload
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.common_window import unequal
from ingestune_tui.tuning.pairs import complete_pairs
from ingestune_tui.tuning.planned import Planned
from ingestune_tui.tuning.preflight import another_throwaway
from ingestune_tui.tuning.search import SKIPPED
from ingestune_tui.tuning.trial_loop import TrialLoop
from ingestune_tui.tuning.waits import GAP_S

NO_LEADER = -1


class StudyRecord:
    """The study's row and trials."""

    def __init__(self, study: Study, trials: Sequence[Trial], store: Store) -> None:
        self.study = study
        self.trials = list(trials)
        self.store = store
        self.series: dict[str, list[Sample]] = {}
        """By trial, the samples that `read_series` found to be needed."""

    def of(self, workload: Workload) -> list[Trial]:
        """The trials of one workload, in the order of their numbers."""
        return [trial for trial in self.trials if trial.workload == workload]

    async def update(self, **changes: object) -> None:
        """Change fields of the study's row, durably."""
        self.study = await self.store.update_study(self.study.id, **changes)

    def decided(self, workload: Workload, name: str) -> str | None:
        """What was decided for `workload` under `name`, or None."""
        return self.study.options.get(_key(workload, name))

    async def decide(self, workload: Workload, **values: object) -> None:
        """Keep decisions for this workload."""
        new = {_key(workload, name): str(value) for name, value in values.items()}
        await self.update(options=self.study.options | new)

    def rate(self, workload: Workload) -> float | None:
        """The paced rate that the baseline fixed, messages/s."""
        return self.study.rates.get(str(workload.message_bytes))

    async def fix_rate(self, workload: Workload, rate: float) -> None:
        await self.update(rates=self.study.rates | {str(workload.message_bytes): rate})

    def spent_s(self) -> float:
        """Time that its trials took and waited for: for a broker, for disk, for the gap. It counts against the budget.

        What the person asked for besides costs the search nothing, and while a study is paused its clock stands still.
        """
        return sum(cost_s(trial) for trial in self.trials if not trial.cached and trial.role != "again")

    async def read_series(self, workload: Workload) -> None:
        """Read the samples of the confirmation pairs of which a byte cap ended one half early."""
        for pair in complete_pairs(self.of(workload)).values():
            for trial in pair if unequal(pair) else ():
                if trial.id not in self.series:
                    self.series[trial.id] = await self.store.samples(trial.id)

    async def measure(self, loop: TrialLoop, planned: Planned) -> Trial:
        """Run it and keep it; after a start of the brokers others come before it, which are thrown away.

        One after a restart with other settings, which its whole study pays for; after a start for a study that goes on,
        as many as a new study begins with. Skipping one of these skips `planned`.
        """
        if loop.needs_throwaway(planned):
            fresh, rates = loop.fresh, list[float]()
            while another_throwaway(rates, fresh=fresh):
                thrown = await self._run(loop, replace(planned, discarded=True, pair=None))
                if thrown.error_code == SKIPPED:
                    return thrown
                rates.append(thrown.messages_per_s or 0.0)
        return await self._run(loop, planned)

    async def _run(self, loop: TrialLoop, planned: Planned) -> Trial:
        """Run it and keep it, with the attempts that came to nothing: they cost time too."""
        trial = await loop.run(planned)
        self.trials += [*loop.dropped, trial]
        return trial


def cost_s(trial: Trial) -> float:
    """What a trial cost the study: its own time, and how long it waited for its turn."""
    return trial.duration_s + (trial.waited_s or GAP_S)


def _key(workload: Workload, name: str) -> str:
    return f"{workload.message_bytes}:{name}"
