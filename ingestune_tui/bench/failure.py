"""How a load child says that it cannot go on, and which errors would come again with the same configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ingestune_tui.bench.protocol import Failed

PERMANENT: Final = frozenset(
    {
        "CONFIG",
        "PAYLOAD",
        "UNSUPPORTED_COMPRESSION_TYPE",
        "MSG_SIZE_TOO_LARGE",
        "RECORD_LIST_TOO_LARGE",
        "INVALID_MSG",
        "INVALID_RECORD",
        "INVALID_MSG_SIZE",
        "INVALID_TIMESTAMP",
        "INVALID_REQUIRED_ACKS",
        "INVALID_CONFIG",
        "INVALID_REQUEST",
        "POLICY_VIOLATION",
        "UNSUPPORTED_VERSION",
        "UNSUPPORTED_FOR_MESSAGE_FORMAT",
        "TOPIC_AUTHORIZATION_FAILED",
        "CLUSTER_AUTHORIZATION_FAILED",
        "SASL_AUTHENTICATION_FAILED",
        "UNSUPPORTED_SASL_MECHANISM",
        "_AUTHENTICATION",
        "_SSL",
        "_INVALID_ARG",
        "_NOT_IMPLEMENTED",
        "_UNSUPPORTED_FEATURE",
        "_BAD_COMPRESSION",
        "_CRIT_SYS_RESOURCE",
    }
)
BROKER_GONE: Final = frozenset(
    {"_ALL_BROKERS_DOWN", "_TRANSPORT", "_RESOLVE", "BROKER_NOT_AVAILABLE", "NETWORK_EXCEPTION"}
)

_SECRET_KEY: Final = re.compile(r"password|secret|\.pem$|jaas|token|oauthbearer\.config", re.IGNORECASE)


class LoadFailed(Exception):
    """Raised anywhere in a child; caught once, at its edge, and sent to the parent."""

    def __init__(
        self, code: str, reason: str, *, permanent: bool | None = None, broker_gone: bool | None = None
    ) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason
        self.permanent = code in PERMANENT if permanent is None else permanent
        self.broker_gone = code in BROKER_GONE if broker_gone is None else broker_gone

    def event(self, config: Mapping[str, str]) -> Failed:
        """What the parent is told; the values of secret properties are blotted out."""
        return Failed(
            code=self.code,
            reason=redact(self.reason, config),
            permanent=self.permanent,
            broker_gone=self.broker_gone,
        )


def redact(text: str, config: Mapping[str, str]) -> str:
    """The text without any value that a secret property of this configuration holds."""
    for name, value in config.items():
        if value and _SECRET_KEY.search(name):
            text = text.replace(value, "***")
    return text
