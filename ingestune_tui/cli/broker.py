"""`ingestune broker`: a local cluster in the foreground, to share between studies or to try other tools on.

Its address stands alone on one line of stdout once it answers; everything else goes to stderr. Ends with all it
started on Ctrl-C (exit 130), SIGTERM (143) or a lost terminal (129).
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path

import click


@click.command("broker")
@click.option("--nodes", type=click.Choice(["1", "3"]), default="1", show_default=True, help="How many brokers.")
@click.option("--simulated", is_flag=True, help="librdkafka's mock cluster: no Java, no network, nothing stored.")
@click.option(
    "--round-trip",
    "round_trip_ms",
    type=click.IntRange(0, 60_000),
    metavar="MS",
    help="With --simulated: how long every answer takes.  [default: 0]",
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the data there, and come back with it the next time.  [default: a temporary folder]",
)
def broker(nodes: str, simulated: bool, round_trip_ms: int | None, data_dir: Path | None) -> int:
    """Run a local Apache Kafka in the foreground and print its address.

    The first start downloads Apache Kafka (about 60 MB, once). Ctrl-C ends it, and removes its data unless
    --data-dir keeps it.
    """
    if simulated and data_dir is not None:
        raise click.UsageError("--data-dir has no meaning with --simulated: a simulated cluster stores nothing.")
    if round_trip_ms is not None and not simulated:
        raise click.UsageError("--round-trip needs --simulated: a real broker takes the time it takes.")
    return asyncio.run(_run_until_signal(int(nodes), simulated, round_trip_ms or 0, data_dir))


async def _run_until_signal(nodes: int, simulated: bool, round_trip_ms: int, data_dir: Path | None) -> int:
    """Serve until a signal; returns 128 + its number. A signal that was ignored at the start stays ignored."""
    loop = asyncio.get_running_loop()
    serving = asyncio.create_task(_serve(nodes, simulated, round_trip_ms, data_dir))
    received: list[int] = []

    def end(number: signal.Signals) -> None:
        if not received:
            _narrate("ending")
            serving.cancel()
        received.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, end, number)
    try:
        await serving
    except asyncio.CancelledError:
        if not received:
            raise
    return 128 + received[0]


async def _serve(nodes: int, simulated: bool, round_trip_ms: int, data_dir: Path | None) -> None:
    from ingestune_tui.kafka.local_broker import LocalKafka  # 90 ms with confluent_kafka, which --help can spare
    from ingestune_tui.kafka.simulated import SimulatedKafka

    cluster = SimulatedKafka(round_trip_ms, nodes) if simulated else LocalKafka(nodes, data_dir, _narrate)
    async with cluster:
        with contextlib.suppress(BrokenPipeError):
            click.echo(cluster.bootstrap)
        _narrate(f"{cluster.connection.label} answers at {cluster.bootstrap}; Ctrl-C ends it")
        raise await cluster.wait_failed()


def _narrate(text: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may be what went away
        click.echo(text, err=True)
