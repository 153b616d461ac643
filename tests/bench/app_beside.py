"""What an open app costs a trial: `python -m tests.bench.app_beside [--pairs 12 --seconds 4]`

Saturated stages on a local Kafka in ABBA BAAB order: A with nothing else, B with the app open on Live in a terminal of
120x40, drawing a made-up study at the pace of a real one.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import tempfile
import threading
from collections.abc import Iterator

from ingestune_tui.kafka.local_broker import LocalKafka
from ingestune_tui.tuning.confirm import pair_order
from tests.bench.app_cost import LIVE, Terminal, terminals
from tests.bench.stages import ratio_in_words, saturated, warm

SIZE = (120, 40)


async def measure(home: str, pairs: int, seconds: float) -> list[tuple[float, float]]:
    """(messages/s without the app, with it) for each pair."""
    rates: dict[str, list[float]] = {"A": [], "B": []}
    async with LocalKafka() as kafka:
        await warm(kafka, seconds)
        for side in pair_order(pairs):
            with open_app(home) if side == "B" else contextlib.nullcontext():
                rates[side].append(await saturated(kafka, seconds, side))
    return list(zip(rates["A"], rates["B"], strict=True))


@contextlib.contextmanager
def open_app(home: str) -> Iterator[None]:
    """The app on Live, its terminal read the whole time."""
    for terminal in terminals(LIVE, SIZE, home):
        terminal.until(b"saturated", 20)
        done = threading.Event()
        reader = threading.Thread(target=_read_on, args=(terminal, done))
        reader.start()
        try:
            yield
        finally:
            done.set()
            reader.join()


def _read_on(terminal: Terminal, done: threading.Event) -> None:
    while not done.is_set():
        terminal.read(0.1)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=4.0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        pairs = asyncio.run(measure(home, chosen.pairs, chosen.seconds))
    print(f"with the app over without it: {ratio_in_words(pairs)}")


if __name__ == "__main__":
    main()
