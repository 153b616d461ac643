"""What killed studies left changed on brokers: put back, or forgotten on a person's word.

Called at the start of every study and by `ingestune restore`. What a living study has in force is never touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ingestune_tui.errors import StudyError
from ingestune_tui.model.journal import JournalEntry
from ingestune_tui.model.study import Study
from ingestune_tui.storage.owner import is_here
from ingestune_tui.storage.store import Store
from ingestune_tui.tuning.broker_settings import dynamic_config, uninterrupted
from ingestune_tui.tuning.cluster import OpenCluster


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of putting back."""

    count: int = 0
    """Settings that are as they were."""
    away: tuple[int, ...] = ()
    """Brokers that the journal speaks of and the cluster does not have now; their entries stay."""
    kept: int = 0
    """Entries that stay in the journal, a living study's included."""


async def restore_journal(cluster: OpenCluster, store: Store, say: Callable[[str], None], *, own: str = "") -> Restored:
    """Put back what dead studies left changed on this cluster. `own` is the study that asks, whatever its state.

    `say` is told what a person should know, a sentence each, before an entry is struck for it. A local cluster dies
    with its study, and its entries with it. Raises ClusterUnreachable or TrialError for what is not possible now,
    after doing all the rest; those entries stay.
    """
    living = {study.id: study for study in await store.living_studies() if study.id != own}
    entries = await store.journal_entries(cluster.info.id)
    dead = [entry for entry in entries if entry.study_id not in living]
    if cluster.info.kind == "local":
        for entry in dead:
            await store.remove_journal(entry.id)
        return Restored(kept=len(entries) - len(dead))
    for study_id in dict.fromkeys(entry.study_id for entry in entries if entry.study_id in living):
        say(_left_to(living[study_id]))
    nodes = await cluster.admin.node_ids() if dead else ()
    away = tuple(sorted({entry.node_id for entry in dead} - set(nodes)))
    for node in away:
        say(
            f"broker {node} is not in the cluster: what a study changed there stays in the journal. `ingestune "
            f"restore` puts it back when the broker is there again; `ingestune restore --forget {node}` if it is gone "
            "for good"
        )
    here = [entry for entry in dead if entry.node_id not in away]
    left_alone = 0

    def note(sentence: str) -> None:
        nonlocal left_alone
        left_alone += 1
        say(sentence)

    if here:
        await uninterrupted(dynamic_config(cluster, store).restore(here, note))
    return Restored(max(0, len(here) - left_alone), away, len(entries) - len(here))


def _left_to(study: Study) -> str:
    told = f"study {study.name} is running and has settings of these brokers changed: they are left to it"
    if study.owner is not None and not is_here(study.owner):
        told += (
            f". It belongs to {study.owner.host}; if its process there is gone, say so with "
            f"`ingestune restore --study {study.name}`"
        )
    return told


def refuse_missing(restored: Restored) -> None:
    """A study that changes brokers does not begin while what an earlier one changed cannot be put back.

    Raises StudyError.
    """
    if restored.away:
        brokers = ", ".join(map(str, restored.away))
        raise StudyError(
            f"an earlier study has changed settings of broker {brokers}, which is not in the cluster now",
            f"Start it again, or let `ingestune restore --forget {restored.away[0]}` strike it from the journal.",
        )


def sentences(entries: Iterable[JournalEntry]) -> list[str]:
    """What the journal knows, for a person to agree to."""
    return [
        f"{entry.name} of broker {entry.node_id}: {entry.previous_value} ({entry.previous_source}) before the study, "
        f"{entry.applied_value} in it"
        for entry in entries
    ]


async def forget(store: Store, entries: Sequence[JournalEntry]) -> None:
    """Strike these from the journal; nothing is put back. Raises StudyError when a living study needs one."""
    living = {study.id: study.name for study in await store.living_studies()}
    for entry in entries:
        if name := living.get(entry.study_id):
            raise StudyError(f"study {name} is running and will put it back itself", f"Or: `ingestune stop {name}`.")
    for entry in entries:
        await store.remove_journal(entry.id)
