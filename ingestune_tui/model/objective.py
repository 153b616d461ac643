"""What winning means: throughput, a latency at a fixed rate, or throughput while p99 stays under a limit."""

from __future__ import annotations

from typing import Literal

import msgspec

Figure = Literal["throughput", "consumer_throughput", "p50", "p99", "p999", "end_to_end_p99"]
"""The figure that ranks configurations. The first two are maximised, the others minimised."""

MAXIMIZED: tuple[Figure, ...] = ("throughput", "consumer_throughput")
FEWEST_BEYOND = 10
"""A percentile is shown only if so many measurements lie beyond it."""
MINIMIZED: tuple[Figure, ...] = ("p50", "p99", "p999", "end_to_end_p99")


class Objective(msgspec.Struct, frozen=True, kw_only=True):
    """The objective of a study and the rate at which its latency is measured."""

    figure: Figure = "throughput"
    p99_limit_ms: float | None = None
    """With a throughput figure: only configurations whose p99 stays under it may win."""
    rate_share: float | None = 0.30
    """The paced rate as a share of the baseline's measured throughput; None when `rate_per_s` is given."""
    rate_per_s: float | None = None
    """The paced rate in messages/s; None when it is a share."""

    @property
    def maximize(self) -> bool:
        """True when more is better."""
        return self.figure in MAXIMIZED

    @property
    def label(self) -> str:
        """In a few words, for a status line: `throughput, p99 < 20 ms`."""
        name = self.figure_name
        return f"{name}, p99 < {self.p99_limit_ms:g} ms" if self.p99_limit_ms is not None else name

    @property
    def figure_name(self) -> str:
        """The figure as people write it: `end to end p99`, `p99.9`."""
        return self.figure.replace("_", " ").replace("p999", "p99.9")

    @property
    def quantile(self) -> float | None:
        """Of the latency that ranks, or else of the limit; None where throughput alone counts."""
        limit = None if self.p99_limit_ms is None else 0.99
        return {"p50": 0.5, "p99": 0.99, "end_to_end_p99": 0.99, "p999": 0.999}.get(self.figure, limit)
