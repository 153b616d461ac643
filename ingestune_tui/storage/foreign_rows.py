"""Is a row that came from PostgreSQL what it says it is? Whoever may write there may have made or changed it by hand.

Pure. Shapes, sizes, checksums, revisions and the allowlist; called by `pull`, and by `session` for clusters, which are
the only rows of ours that PostgreSQL may change. What fails is a Refusal: the row is named and left where it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.study import Cluster, Study
from ingestune_tui.model.trial import Trial
from ingestune_tui.storage.allowlist import why_not_allowed
from ingestune_tui.storage.rows import (
    MAX_REVISION,
    configuration_of,
    decode_cluster,
    decode_histograms,
    decode_study,
    pack_text,
    trial_of,
)

MAX_BODY_BYTES: Final = 8_000_000
"""A larger body is not even fetched: queries give NULL in its place."""
MAX_LABEL: Final = 1000
MAX_NAME: Final = 200
_UNREADABLE: Final = (msgspec.MsgspecError, RecursionError)
"""RecursionError: thousands of brackets in each other."""


class Refusal(Exception):
    """Why one row from outside is not taken."""


@contextmanager
def _refused(what: str) -> Iterator[None]:
    """What cannot be decoded inside is refused, and called `what`."""
    try:
        yield
    except _UNREADABLE as problem:
        raise Refusal(f"{what}: {problem}") from None


def checked_text(rev: int, body: str | None) -> str:
    """The body of any row, once its revision and its size are believed."""
    if not 0 <= rev <= MAX_REVISION:
        raise Refusal(f"its revision {rev} is none that ingestune gives")
    if body is None:
        raise Refusal(f"it is larger than {MAX_BODY_BYTES // 1_000_000} MB")
    return body


def checked_cluster(identity: str, rev: int, body: str | None) -> Cluster:
    """What PostgreSQL knows of a cluster."""
    with _refused("it is not a cluster"):
        cluster = decode_cluster(checked_text(rev, body))
    if cluster.id != identity:
        raise Refusal("its id was changed")
    _check_shown(cluster)
    return cluster


def _check_shown(cluster: Cluster) -> None:
    texts = (cluster.label, cluster.version, cluster.security_protocol)
    if not all(text.isprintable() and len(text) <= MAX_LABEL for text in texts):
        raise Refusal("what it says of the cluster cannot be shown")


def checked_study(identity: str, rev: int, body: str | None) -> Study:
    """A colleague's study, with a name that can be shown and winners that ingestune could have found."""
    with _refused("it is not a study"):
        study = decode_study(checked_text(rev, body))
    if study.id != identity:
        raise Refusal("its id was changed")
    if not study.name.isprintable() or not 0 < len(study.name) <= MAX_NAME:
        raise Refusal("its name cannot be shown")
    _check_shown(study.cluster)
    for outcome in study.outcomes:
        expected = (each.configuration for each in outcome.predicted)
        for configuration in (outcome.winner, outcome.baseline, *expected):
            if configuration is not None and (why := why_not_allowed(configuration)):
                raise Refusal(why)
    return study


def checked_configuration(identity: str, body: str | None) -> Configuration:
    """Settings that are all allowed, and whose checksum is their id."""
    with _refused("its configuration is none"):
        configuration = configuration_of(checked_text(0, body))
    if why := why_not_allowed(configuration):
        raise Refusal(why)
    if configuration.hash != identity:
        raise Refusal("its configuration was changed: the checksum is another one")
    return configuration


def checked_trial(row: Any, study: Study, configuration: Configuration) -> Trial:
    """A trial of that study and configuration; `row` has id, rev and body."""
    with _refused("it is not a trial"):
        trial = trial_of(checked_text(row["rev"], row["body"]), configuration)
    if (trial.id, trial.study_id) != (row["id"], study.id):
        raise Refusal("its id was changed")
    if trial.config_hash not in ("", configuration.hash):
        raise Refusal("it claims to have measured another configuration")
    return trial


def checked_extra(table: str, rev: int, body: str | None) -> str | bytes:
    """Samples or histograms as they are kept here."""
    text = checked_text(rev, body)
    with _refused("it cannot be read"):
        if table == "series":
            return pack_text(text)
        decode_histograms(text)
    return text


def shown(text: str) -> str:
    """An id or a name from outside, fit for a terminal."""
    return "".join(each if each.isprintable() else "?" for each in text[:60])
