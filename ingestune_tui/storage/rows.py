"""Values of the model as database rows and back: JSON bodies, compressed series, and the plain columns people query.

Pure. A body is what both databases hold, letter by letter; its checksum is compared by `sync --verify`.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import msgspec

from ingestune_tui.catalogue.catalogue import Scope, Value
from ingestune_tui.errors import StoreError
from ingestune_tui.model.configuration import Configuration
from ingestune_tui.model.sample import Sample
from ingestune_tui.model.study import Cluster, Study
from ingestune_tui.model.trial import FLAGS, Trial

S = TypeVar("S", bound=msgspec.Struct)


class _Flagged(msgspec.Struct):
    flags: tuple[str, ...] = ()
    """Of whatever version of ingestune wrote the trial."""


MAX_REVISION: Final = 2**62
"""No revision is greater: both databases hold 63 bits, and there must be room for the next one for ever."""
_NO_SETTINGS: Final = Configuration()

decode_study = msgspec.json.Decoder(Study).decode
decode_cluster = msgspec.json.Decoder(Cluster).decode
_decode_trial = msgspec.json.Decoder(Trial).decode
_decode_flags = msgspec.json.Decoder(_Flagged).decode
_decode_samples = msgspec.json.Decoder(list[Sample]).decode
_decode_settings = msgspec.json.Decoder(dict[Scope, dict[str, Value]]).decode
decode_histograms = msgspec.json.Decoder(dict[str, str]).decode


def revision() -> int:
    """Microseconds since the epoch. A row's next revision is this or one more than its last, whichever is greater."""
    return time.time_ns() // 1000


def text_of(value: object) -> str:
    """A value as JSON that both databases accept: half characters and NUL become U+FFFD."""
    try:
        body = msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        body = ""
    if body and "\\u0000" not in body:
        return body
    return msgspec.json.encode(_storable(msgspec.to_builtins(value))).decode()


def _storable(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\ufffd")
        case dict():
            return {_storable(key): _storable(each) for key, each in value.items()}
        case list() | tuple():
            return [_storable(each) for each in value]
        case _:
            return value


def configuration_body(configuration: Configuration) -> str:
    """{"producer": {"linger.ms": 5}}, sorted; equal configurations give the same text on every computer."""
    scopes = {
        scope: {name: int(value) if isinstance(value, float) and value.is_integer() else value for name, value in named}
        for scope, named in ((scope, sorted(each.items())) for scope, each in sorted(configuration.as_dict().items()))
    }
    return text_of(scopes)


def configuration_of(body: str) -> Configuration:
    """Raises msgspec.ValidationError for a scope that does not exist or a value that is no value."""
    return Configuration.of(_decode_settings(body))


def trial_body(trial: Trial) -> str:
    """The trial without its configuration, which has a row of its own."""
    return text_of(msgspec.structs.replace(trial, configuration=_NO_SETTINGS))


def trial_of(body: str, configuration: Configuration) -> Trial:
    """The trial put together again. Flags that only another version of ingestune knows are left out.

    Raises msgspec.MsgspecError when it is no trial.
    """
    try:
        trial = _decode_trial(body)
    except msgspec.ValidationError:
        fields = msgspec.json.decode(body)
        if not isinstance(fields, dict) or not isinstance(flags := fields.get("flags"), list):
            raise
        fields["flags"] = [flag for flag in flags if flag in FLAGS]
        trial = msgspec.convert(fields, Trial)
    return msgspec.structs.replace(trial, configuration=configuration)


def pack_samples(samples: Sequence[Sample]) -> bytes:
    """A series of samples in one blob."""
    return zlib.compress(text_of(list(samples)).encode(), 6)


def pack_text(body: str) -> bytes:
    """A series that came as JSON, letter by letter. Raises msgspec.MsgspecError when it is no series."""
    _decode_samples(body)
    return zlib.compress(body.encode(), 6)


def unpack_samples(blob: bytes) -> list[Sample]:
    """The samples of a blob. Raises StoreError when it is damaged."""
    with readable("a trial's samples"):
        return _decode_samples(zlib.decompress(blob))


def samples_text(blob: bytes) -> str:
    """The JSON in a blob, as PostgreSQL keeps it. Raises StoreError when it is damaged."""
    with readable("a trial's samples"):
        return zlib.decompress(blob).decode()


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Turns a stored value that is no such value into a StoreError."""
    try:
        yield
    except (zlib.error, msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise StoreError(
            f"{what} cannot be read back: {problem}",
            "The results database was changed by another program, or is damaged: see its backups.",
        ) from problem


def histograms_body(histograms: Mapping[str, str]) -> str:
    """Name to HDR V2 in base64, sorted by name."""
    return text_of(dict(sorted(histograms.items())))


TRIAL_COLUMNS: Final = (
    "id, study_id, number, configuration_id, role, state, baseline, discarded, permanent, flags, message_bytes, "
    "messages_per_s, p99_ms, config_hash, env_hash, method_hash, cached_from, started_at, finished_at, body, rev"
)


def trial_row(trial: Trial, configuration_id: str, body: str, rev: int) -> tuple[Any, ...]:
    """Values for TRIAL_COLUMNS."""
    return (
        trial.id,
        trial.study_id,
        trial.number,
        configuration_id,
        trial.role,
        trial.state,
        trial.baseline,
        trial.discarded,
        trial.permanent,
        " ".join(_decode_flags(body).flags),
        trial.workload.message_bytes,
        trial.messages_per_s,
        trial.latency.p99 if trial.latency else None,
        trial.config_hash or configuration_id,
        trial.env_hash,
        trial.method_hash,
        trial.cached_from,
        trial.started_at,
        trial.finished_at,
        body,
        rev,
    )
