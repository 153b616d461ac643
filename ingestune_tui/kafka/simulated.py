"""A simulated cluster: librdkafka's mock in a process of its own, with a settable round trip. No Java, no network.

It measures the client, never a broker: whoever shows a figure of it says so (`Connection.simulated`). It keeps only
the last few megabytes of each partition, so start offsets move while end offsets count every message.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from ingestune_tui.errors import LocalBrokerError, TrialError, UsageError
from ingestune_tui.kafka.connection import Connection
from ingestune_tui.processes import OwnedProcess

_START_TIMEOUT_S = 15.0
_ANSWER_TIMEOUT_S = 5.0
_MOST_ROUND_TRIP_MS = 60_000


class SimulatedKafka:
    """`async with SimulatedKafka(round_trip_ms=50) as kafka:` gives a mock that answers at `kafka.bootstrap`.

    `round_trip_ms` is added to every answer; `brokers` is 1 to 9. Raises LocalBrokerError if it does not come up.
    """

    def __init__(self, round_trip_ms: int = 0, brokers: int = 1) -> None:
        if not 0 <= round_trip_ms <= _MOST_ROUND_TRIP_MS:
            raise UsageError(f"A round trip of {round_trip_ms} ms cannot be simulated.", "Use 0 to 60000 ms.")
        if not 1 <= brokers <= 9:
            raise UsageError(f"A simulated cluster has 1 to 9 brokers, not {brokers}.", "Use --nodes 1 or --nodes 3.")
        self._round_trip_ms = round_trip_ms
        self._brokers = brokers
        script = Path(__file__).with_name("mock_cluster.py")
        self._process = OwnedProcess([sys.executable, "-P", script, str(brokers), str(round_trip_ms)], grace_s=2.0)
        self._asking = asyncio.Lock()
        self.bootstrap = ""

    async def __aenter__(self) -> Self:
        await self._process.__aenter__()
        try:
            async with asyncio.timeout(_START_TIMEOUT_S):
                self.bootstrap = (await self._process.stdout.readline()).decode().strip()
            if not self.bootstrap:
                await self._process.wait()
        except TimeoutError:
            pass
        except BaseException:
            await self._process.stop()
            raise
        if not self.bootstrap:
            await self._process.stop()
            raise LocalBrokerError(
                f"The simulated cluster did not start: {self._process.stderr_tail() or 'it said nothing'}.",
                "It comes with the package confluent-kafka: reinstall that.",
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._process.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def connection(self) -> Connection:
        shown = f", {self._round_trip_ms} ms round trip" if self._round_trip_ms else ""
        return Connection(self.bootstrap, label=f"simulated broker{shown}", kind="simulated", mock=self)

    @property
    def has_ended(self) -> bool:
        """Whether it ended, and nobody has asked it to."""
        return self._process.returncode is not None

    async def wait_failed(self) -> LocalBrokerError:
        """Wait until it ends without being asked to, and say so in its own last words."""
        code = await self._process.wait()
        said = self._process.stderr_tail().strip()
        return LocalBrokerError(
            f"The simulated cluster ended with code {code}: {said or 'it left no word why'}.", "Start it again."
        )

    async def set_round_trip(self, milliseconds: int) -> None:
        """From now on every answer takes that long."""
        await self._command("Setting the round trip", "round_trip", str(milliseconds))
        self._round_trip_ms = milliseconds

    async def create_topic(self, name: str, partitions: int, replication: int) -> None:
        """Raises TrialError if the topic exists or has more copies than there are brokers."""
        if replication > self._brokers:
            raise TrialError(
                f"Creating topic {name} failed: {replication} copies on {self._brokers} simulated broker(s).",
                "Lower `replication` in [workload], or use --nodes 3.",
                code="INVALID_REPLICATION_FACTOR",
            )
        await self._command(f"Creating topic {name}", "create", name, str(partitions), str(replication))

    async def delete_topic(self, name: str) -> None:
        await self._command(f"Deleting topic {name}", "delete", name)

    async def _command(self, what: str, *words: str) -> None:
        async with self._asking:
            try:
                self._process.stdin.write(" ".join(words).encode() + b"\n")
                await self._process.stdin.drain()
                async with asyncio.timeout(_ANSWER_TIMEOUT_S):
                    answer = (await self._process.stdout.readline()).decode().strip()
            except TimeoutError:
                raise LocalBrokerError(
                    f"{what} failed: the simulated cluster did not answer within {_ANSWER_TIMEOUT_S:.0f} s.",
                    "Start it again.",
                ) from None
            except OSError:
                answer = ""
        if not answer:
            ended = await self.wait_failed()
            raise LocalBrokerError(f"{what} failed: the simulated cluster is gone. {ended.what}", ended.hint)
        if answer != "ok":
            raise TrialError(f"{what} failed on the simulated broker: {answer}.", code=answer)
