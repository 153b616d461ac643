"""Compare: the two plots, the verdicts, the effects, and its keys."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ingestune_tui.model.events import WorkloadFinished
from ingestune_tui.model.study import Effect
from ingestune_tui.report.wording import ratio_text, verdict_text
from ingestune_tui.tui.study_view import StudyView
from ingestune_tui.tui.widgets.chart import Chart
from tests.tui.fake_study import FakeStudy
from tests.tui.shown import ShownApp, until, workers_done


@pytest.fixture(scope="module")
def view() -> StudyView:
    return StudyView.of(FakeStudy(sizes=(10, 100, 1000)).all())


async def test_before_any_baseline_it_says_what_to_do_next(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "compare")
    async with app.run_test(size=(80, 24)):
        assert "Nothing to compare yet" in app.text()


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_both_plots_carry_both_marks_and_every_verdict_its_interval(
    tmp_path: Path, view: StudyView, size: tuple[int, int]
) -> None:
    app = ShownApp(tmp_path, "compare", view)
    async with app.run_test(size=size):
        for name in ("#throughput", "#p99"):
            text = app.screen.query_one(name, Chart).text()
            assert text.count("◆") == 3
            assert text.count("◇") == 3
        text = app.text()
        assert "1.04x [0.99, 1.09]" in text
        assert "no measurable difference" in text
        assert text.count("faster") == 2
        assert "71 %" in text
        assert "⚠" in text


async def test_while_the_study_runs_nothing_is_claimed(tmp_path: Path) -> None:
    app = ShownApp(tmp_path, "compare", until(FakeStudy().all(), 20, "saturated", 2))
    async with app.run_test(size=(80, 24)):
        assert "not confirmed" in app.text()
        assert "x so far" in app.text()
        assert "faster" not in app.text()


async def test_tab_goes_through_the_sizes(tmp_path: Path, view: StudyView) -> None:
    app = ShownApp(tmp_path, "compare", view)
    async with app.run_test(size=(80, 24)) as pilot:
        assert "▸ 10 B" in app.text()
        await pilot.press("tab")
        assert "▸ 100 B" in app.text()
        await pilot.press("shift+tab", "shift+tab")
        assert "▸ 1 kB" in app.text()


async def test_a_size_that_is_confirmed_has_its_verdict_while_the_next_one_runs(tmp_path: Path) -> None:
    events = FakeStudy(sizes=(100, 1000), pairs=6).all()
    first = next(i for i, event in enumerate(events) if isinstance(event, WorkloadFinished))
    view = StudyView.of(events[: first + 60])
    outcome = view.outcome(100)
    assert outcome is not None
    assert outcome.ratio is not None
    for place, words in (("compare", ratio_text(outcome.ratio)), ("leaderboard", verdict_text(outcome))):
        app = ShownApp(tmp_path, place, view)
        async with app.run_test(size=(80, 24)) as pilot:
            if place == "leaderboard":
                await pilot.press("shift+tab")
            assert words in app.text()


async def test_b_compares_with_another_configuration_without_a_claim(tmp_path: Path, view: StudyView) -> None:
    app = ShownApp(tmp_path, "compare", view)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("b")
        assert "the baseline" not in app.text().splitlines()[2]
        assert "not confirmed" in app.text()
        for _ in range(8):
            await pilot.press("b")
        assert "◇ the baseline" in app.text()


async def test_w_writes_a_page_and_asks_before_replacing_one(
    tmp_path: Path, view: StudyView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = ShownApp(tmp_path, "compare", view)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("w")
        await workers_done(app)
        page = tmp_path / "quick.html"
        assert "<svg" in page.read_text()
        page.write_text("mine")
        await pilot.press("w")
        await pilot.pause()
        await pilot.press("enter")
        await workers_done(app)
        assert page.read_text() == "mine"


async def test_what_is_not_confirmed_never_looks_like_a_winner(tmp_path: Path, view: StudyView) -> None:
    racing = ShownApp(tmp_path, "compare", until(FakeStudy().all(), 14, "paced", 3))
    async with racing.run_test(size=(80, 24)):
        assert "△ leader so far against ◇" in racing.text()
        assert "◆" not in racing.text()
    finished = ShownApp(tmp_path, "compare", view)
    async with finished.run_test(size=(80, 24)):
        assert "◆ tuned against ◇" in finished.text()


async def test_e_exports_the_winner_of_the_chosen_size(tmp_path: Path, view: StudyView) -> None:
    app = ShownApp(tmp_path, "compare", view)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("tab", "e")
        await pilot.pause()
        assert "Export the winner of quick, 100 B" in app.text()


@pytest.mark.parametrize(
    ("partner", "said"),
    [
        ("", "what mattered no effect seen"),
        (
            "producer queue.buffering.max.kbytes",
            "what mattered nothing by itself; strongest together: linger.ms and queue.buffering.max.kbytes",
        ),
    ],
    ids=["none", "only together"],
)
async def test_where_no_parameter_mattered_by_itself_it_is_said_plainly(
    tmp_path: Path, size: tuple[int, int], partner: str, said: str
) -> None:
    fake = FakeStudy(pairs=4, searched=6)
    *events, last = fake.all()
    effects = (Effect(parameter="producer linger.ms", share=0.0, best="", interaction=partner),)
    outcome = msgspec.structs.replace(fake.outcomes[0], effects=effects)
    app = ShownApp(tmp_path, "compare", StudyView.of([*events, msgspec.structs.replace(last, outcomes=(outcome,))]))
    async with app.run_test(size=size):
        assert said in " ".join(app.text().split())
