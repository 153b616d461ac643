"""Whether librdkafka takes a client's properties: it is asked, by constructing the client. No network is touched.

The catalogue knows each property's own range; what goes together, and what this version of librdkafka thinks, only
librdkafka knows. Called by `tuning.refused`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from confluent_kafka import Consumer, KafkaException, Producer

from ingestune_tui.catalogue.catalogue import Scope

_SILENT: Final = {"log_level": "0"}
"""Without an address librdkafka warns on the terminal that it has none."""


def refusal(scope: Scope, properties: Mapping[str, str]) -> str:
    """librdkafka's own words where it refuses a producer or consumer of these properties; empty where it takes them."""
    try:
        if scope == Scope.CONSUMER:
            Consumer({"group.id": "ingestune", **properties, **_SILENT}).close()
        else:
            Producer({**properties, **_SILENT})
    except KafkaException as problem:
        return str(problem.args[0].str())
    return ""
