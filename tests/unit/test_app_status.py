"""The status line: what it says, and what it gives up when the terminal is narrow."""

from __future__ import annotations

from ingestune_tui.tui.status import Part, fit, line_width

PARTS = [
    Part("cluster", "local"),
    Part("version", "Kafka 4.3.0"),
    Part("grid", "quick"),
    Part("phase", "▶ racing 14/36"),
    Part("sure", "sure 62 %"),
    Part("noise", "noise 6 %"),
    Part("time", "4 min left"),
    Part("sync", "⇅ 12 rows wait, retry in 40 s"),
]


def test_everything_is_said_where_there_is_room() -> None:
    assert fit(PARTS, 200) == PARTS


def test_noise_version_and_grid_name_go_first_in_that_order() -> None:
    kinds = [[part.kind for part in fit(PARTS, width)] for width in (line_width(PARTS) - 1, 92, 80)]
    assert "noise" not in kinds[0]
    assert "version" in kinds[0]
    assert "version" not in kinds[1]
    assert "grid" in kinds[1]
    assert "grid" not in kinds[2]


def test_the_phase_and_a_sync_trouble_stay_to_the_last() -> None:
    assert [part.kind for part in fit(PARTS, 10)] == ["phase", "sync"]
