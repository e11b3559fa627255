"""docs/adopting.md is true: each stage runs as it stands there, and does what it says."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adopting.md").read_text()

FAILS = {"1": "orchestrator", "2, halfway": "feed", "2": "workers/feed", "3": "workers/feed"}


async def is_up(quotes, until):
    await until(lambda: quotes.heartbeat().get("state") == "up" and quotes.report().get("prices"))


@pytest.mark.parametrize("name", FAILS)
async def test_when_the_feed_closes_a_stage_comes_back_and_says_and_counts_what_the_page_says(
    name, quotes, stages, feed, until
):
    quotes.install(stages[name])
    async with quotes.running():
        await is_up(quotes, until)
        assert quotes.report()["prices"] == {"A": 1, "B": 1}
        feed.close_all()
        await until(lambda: quotes.report().get("prices") == {"A": 2, "B": 2})
        await until(lambda: quotes.heartbeat()["crashes"] == 1 and quotes.heartbeat()["state"] == "up")
        for line in stages[name].log:
            await until(lambda line=line: quotes.says(line))
        assert feed.connected == 1
        assert await quotes.stopped() == 0
    assert feed.sessions == 2
    assert re.findall(r"quotes/(\S+)  restarting", quotes.output) == [FAILS[name]]
    assert "Traceback" not in quotes.output


@pytest.mark.parametrize("name", ["2", "3"])
async def test_once_they_are_in_the_tree_a_stop_reaches_the_workers_as_their_stop_event(
    name, quotes, stages, feed, until
):
    quotes.install(stages[name])
    async with quotes.running():
        await is_up(quotes, until)
        assert await quotes.stopped() == 0
    assert quotes.report()["state"] == "stopped"
    await until(lambda: feed.connected == 0)


async def test_in_the_first_stage_a_failure_that_restarting_does_not_help_ends_the_process_with_70(
    quotes, stages, feed, until
):
    quotes.install(stages["1"])
    async with quotes.running():
        await is_up(quotes, until)
        feed.turn_away()
        assert await quotes.ended() == 70
    assert quotes.output.count("worker failed: ") == 6
    assert quotes.says("quotes  gives up: …")
    delays = [float(delay) for delay in re.findall(r"restarting in ([\d.]+) m?s after it returned", quotes.output)]
    assert len(delays) == 5


async def test_in_the_third_stage_nobody_starts_before_the_feed_is_reached_and_the_heartbeat_names_who_is_not_up(
    quotes, stages, feed, until
):
    quotes.install(stages["3"])
    feed.turn_away()
    async with quotes.running():
        await until(lambda: "quotes/workers/feed" in quotes.heartbeat().get("down", ()))
        await until(lambda: "feed_away" in quotes.output)
        assert quotes.report() == {}
        await feed.listen()
        await is_up(quotes, until)
        assert await quotes.stopped() == 0


async def test_every_program_of_the_page_is_in_a_stage_and_every_other_excerpt_in_the_sample(stages):
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    run = [program.text for program in stages["3"].programs]
    shown = [block for block in blocks if block not in run]
    assert len(run) == 8
    assert len(shown) == 2
    sample = squeezed((ROOT / "tests/adoption/legacy/orchestrator.py").read_text())
    for excerpt in shown:
        assert squeezed(excerpt.partition("\n")[2]) in sample


def squeezed(text):
    return " ".join(text.split())


def test_the_files_and_tests_that_it_names_exist():
    for link in re.findall(r"\]\(([^)#:]+)\)", PAGE):
        assert (ROOT / "docs" / link).exists(), link
