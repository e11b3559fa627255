"""The whole screen, as an operator sees it and types on it."""

import pytest

from otp.control.wire.commands import GetWhy, Pause, Reset, Restart, Resume, Start, Stop
from otp.control.wire.protocol import Failed
from otp.control.wire.rows import Blocked
from otp.tui.app import Told
from otp.tui.table import TreeTable
from tests.tui.screens import line, line_of, lines, text, top, until
from tests.tui.server import Server
from tests.tui.trees import delta, down, event, large, massive, replace, row, supervisor

WS = "massive/workers/ws_worker"


async def select(pilot, path):
    """Put the cursor on a child as an operator does."""
    for _ in range(50):
        if pilot.app.table.selected == path:
            return
        await pilot.press("down")
    raise AssertionError(f"{path} is not on the screen")


async def test_at_80_columns_the_details_are_below_the_tree(server, path):
    async with top(path, size=(80, 24)) as pilot:
        await select(pilot, WS)
        await until(pilot, lambda: "touches workers/ws_worker" in text(pilot.app))
        shown = lines(pilot.app)
    assert shown[0].startswith(" massive  degraded  7/8 up · 1 open incident · lag 3 ms · pid 4121")
    assert shown[1].split() == ["CHILD", "STATE", "TIME", "CRASH", "MAN", "COL", "STRK", "DOWN", "NOTE"]
    assert shown[6].startswith("    ws_worker      ◷ backoff    next ")
    assert shown[6].split()[5:9] == ["5", "1", "·", "3"]
    assert shown[6].endswith("…3M7F3Q")
    assert shown[12].startswith(f" {WS}")
    assert shown[13] == " 1 Summary  2 Events  3 Log  4 Stack  5 Policy"
    assert shown[23] == "r restart s stop S start p pause x reset / filter o sort e events ? help q quit"
    assert max(len(one) for one in shown) <= 80


async def test_at_160_columns_they_are_beside_it_with_all_columns(server, path):
    async with top(path, size=(160, 48)) as pilot:
        await select(pilot, WS)
        await until(pilot, lambda: "touches workers/ws_worker" in text(pilot.app))
        shown = lines(pilot.app)
    head, _, beside = shown[1].partition("│")
    assert head.split()[-2:] == ["USED", "INCIDENT"]
    assert beside == f" {WS}"
    assert "01K9ZQ3M7F3Q" in shown[6]
    assert "   3/5 " in shown[4]
    assert any("│ restarts   5 crashed · 1 manual · 0 collateral · streak 3" in one for one in shown)
    assert "paused 12:0" in shown[9]


async def test_what_changes_is_shown_and_who_is_gone_is_not(server, path):
    async with top(path) as pilot:
        tree = server.tree
        server.say(
            delta(
                tree.root,
                row(WS, up_s=0.5, crashes=6),
                row("massive/newcomer"),
                removed=("massive/model",),
                seq=11,
                events=(event(11, WS, "up again"),),
            )
        )
        await until(pilot, lambda: "newcomer" in text(pilot.app))
        assert "● running" in line_of(pilot.app, "ws_worker")
        assert "builder" not in text(pilot.app)


async def test_countdowns_go_on_without_any_message(server, path):
    async with top(path) as pilot:
        before = seconds_left(pilot.app)
        await until(pilot, lambda: seconds_left(pilot.app) < before)


def seconds_left(app):
    return float(line_of(app, "ws_worker").partition(" next ")[2].partition("s")[0])


async def test_a_blocked_loop_is_loud_until_it_turns(server, path):
    async with top(path) as pilot:
        server.say(delta(server.tree.root, blocked=Blocked(path=WS, seconds=12.3, stack=("calc.py:10 heavy",))))
        await until(
            pilot, lambda: "EVENT LOOP BLOCKED for 12s  by massive/workers/ws_worker  calc" in line(pilot.app, 1)
        )
        server.say(delta(server.tree.root))
        await until(pilot, lambda: "BLOCKED" not in text(pilot.app))


async def test_a_process_that_ends_is_said_and_its_successor_is_shown(path):
    first = Server(path, massive())
    async with top(path) as pilot:
        first.end()
        await until(pilot, lambda: "DISCONNECTED" in line(pilot.app, 1))
        assert "ws_worker" in text(pilot.app)
        with Server(path, massive(pid=5000)):
            await until(pilot, lambda: "pid 5000" in line(pilot.app, 0))
            assert "DISCONNECTED" not in text(pilot.app)


KEYS = [("r", Restart), ("s", Stop), ("S", Start), ("x", Reset), ("p", Pause)]


@pytest.mark.parametrize(("key", "kind"), KEYS)
async def test_a_key_shows_what_it_touches_and_enter_does_it_with_the_reason(server, path, key, kind):
    async with top(path) as pilot:
        await select(pilot, WS)
        await pilot.press(key)
        await until(pilot, lambda: "touches 2 of 8, 6 untouched" in text(pilot.app))
        assert f"{kind.__name__.lower()} {WS}?" in text(pilot.app)
        assert server.commands(kind) == [kind(path=WS, dry_run=True)]
        if kind is Pause:
            await pilot.press("tab")
        await pilot.press(*"new", "space", *"key", "enter")
        await until(pilot, lambda: "✓" in text(pilot.app))
        assert f"✓ {kind.__name__.lower()} {WS}: running in 80 ms" in text(pilot.app)
        assert server.commands(kind)[1:] == [kind(path=WS, reason="new key")]


async def test_escape_does_nothing_and_another_key_may_follow(server, path):
    async with top(path) as pilot:
        await select(pilot, WS)
        await pilot.press("s")
        await until(pilot, lambda: "touches" in text(pilot.app))
        await pilot.press("escape")
        await until(pilot, lambda: "nothing was done" in text(pilot.app))
        await pilot.press("r")
        await until(pilot, lambda: f"restart {WS}?" in text(pilot.app))
    assert server.commands(Stop) == [Stop(path=WS, dry_run=True)]


async def test_a_pause_may_end_by_itself_and_a_wrong_time_is_refused(server, path):
    async with top(path) as pilot:
        await select(pilot, WS)
        await pilot.press("p")
        await until(pilot, lambda: "for how long" in text(pilot.app))
        await pilot.press(*"soon", "enter")
        await until(pilot, lambda: "such as 30s" in text(pilot.app))
        await pilot.press(*["backspace"] * 4, *"10m", "enter")
        await until(pilot, lambda: "✓ pause" in text(pilot.app))
    assert server.commands(Pause)[-1] == Pause(path=WS, seconds=600.0)


async def test_a_paused_child_is_resumed_by_the_same_key(server, path):
    async with top(path) as pilot:
        await select(pilot, "massive/model/builder")
        await pilot.press("p")
        await until(pilot, lambda: "resume massive/model/builder?" in text(pilot.app))
    assert server.commands(Resume) == [Resume(path="massive/model/builder", dry_run=True)]


async def test_on_a_read_only_socket_the_refusal_is_shown(path):
    with Server(path, massive(), role="read"):
        async with top(path) as pilot:
            assert "read-only" in line(pilot.app, 0)
            await pilot.press("r")
            await until(pilot, lambda: "✗ restart massive: this socket is for looking only" in text(pilot.app))


async def test_a_refusal_is_readable_to_its_end_at_80_columns(server, path):
    server.refusal = Failed(id="", kind="refused", message=f"{'not here, ' * 12}; use the other socket")
    async with top(path, size=(80, 24)) as pilot:
        await pilot.press("r")
        await until(pilot, lambda: "use the other socket" in " ".join(text(pilot.app).split()))
        assert "q quit" in line(pilot.app, 23)


async def test_what_was_refused_after_the_dialog_is_shown_too(server, path):
    async with top(path) as pilot:
        await select(pilot, WS)
        await pilot.press("r")
        await until(pilot, lambda: "touches" in text(pilot.app))
        server.refusal = Failed(id="", kind="conflict", message="a restart is under way")
        await pilot.press("enter")
        await until(pilot, lambda: f"✗ restart {WS}: a restart is under way" in text(pilot.app))


async def test_a_filter_shows_what_fits_and_escape_ends_it(server, path):
    async with top(path) as pilot:
        await pilot.press("slash", *"spot", "enter")
        await until(pilot, lambda: "orchestrator" not in text(pilot.app))
        assert pilot.app.table.paths == ("massive", "massive/workers", "massive/workers/spot_worker")
        assert "filter: spot (3 of 9)" in text(pilot.app)
        await pilot.press("escape")
        await until(pilot, lambda: "orchestrator" in text(pilot.app))


async def test_letters_of_a_filter_are_no_commands(server, path):
    async with top(path) as pilot:
        await pilot.press("slash", *"rsx")
        await until(pilot, lambda: "no child fits" in text(pilot.app))
    assert server.commands(Restart) + server.commands(Stop) + server.commands(Reset) == []


async def test_sorting_puts_problems_first_and_the_cursor_stays_on_its_child(server, path):
    async with top(path) as pilot:
        await select(pilot, "massive/orchestrator")
        await pilot.press("o")
        await until(pilot, lambda: "sort: problems" in text(pilot.app))
        assert pilot.app.table.paths[0] == WS
        assert line(pilot.app, 2).startswith("workers/ws_worker ")
        assert pilot.app.table.selected == "massive/orchestrator"
        await pilot.press("o")
        await until(pilot, lambda: "sort: recently started" in text(pilot.app))
        assert pilot.app.table.paths[0] == "massive/workers/spot_worker"


async def test_the_cursor_of_a_child_that_goes_stays_in_its_line(server, path):
    async with top(path) as pilot:
        await select(pilot, "massive/orchestrator")
        server.say(
            delta(server.tree.root, removed=("massive/orchestrator",), seq=11, events=(event(11, "massive", "x"),))
        )
        await until(pilot, lambda: "orchestrator" not in text(pilot.app))
        assert pilot.app.table.selected == "massive/workers"


async def test_the_pages_are_turned_by_number_and_arrow(server, path):
    async with top(path) as pilot:
        await select(pilot, WS)
        for key, words in (("4", "read_loop (feeds.py:131)"), ("right", "given up after 5"), ("right", "41s all")):
            await pilot.press(key)
            await until(pilot, lambda words=words: words in text(pilot.app))
        await pilot.press("left", "left", "left", "left")
        await until(pilot, lambda: "restarting after ConnectionClosed" in text(pilot.app))


async def test_something_that_happens_to_the_child_is_asked_about_again(server, path):
    async with top(path) as pilot:
        await select(pilot, WS)
        await until(pilot, lambda: server.commands(GetWhy)[-1:] == [GetWhy(path=WS)])
        asked = len(server.commands(GetWhy))
        other = delta(server.tree.root, row("massive/publisher"), seq=11, events=(event(11, "massive/publisher", "x"),))
        server.say(other)
        server.say(delta(server.tree.root, down(WS), seq=12, events=(event(12, WS, "x"),)))
        await until(pilot, lambda: len(server.commands(GetWhy)) > asked)
    assert {one.path for one in server.commands(GetWhy)[asked:]} == {WS}


async def test_enter_gives_the_details_the_whole_screen_and_escape_gives_it_back(server, path):
    async with top(path, size=(80, 24)) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: "CHILD" not in text(pilot.app))
        assert "1 Summary" in text(pilot.app)
        await pilot.press("escape")
        await until(pilot, lambda: "CHILD" in text(pilot.app))


async def test_events_are_shown_from_before_and_as_they_come_and_healthy_ones_when_wanted(server, path):
    async with top(path) as pilot:
        await pilot.press("e")
        await until(pilot, lambda: "up again after 2.0 s" in text(pilot.app))
        assert "massive  is up" not in text(pilot.app)
        server.say(delta(server.tree.root, down(WS), seq=11, events=(event(11, WS, "restarting after a storm"),)))
        await until(pilot, lambda: f"WARN  {WS}  restarting after a storm" in text(pilot.app))
        await pilot.press("d")
        await until(pilot, lambda: "DEBUG massive  is up" in text(pilot.app))
        await pilot.press("r")
        await pilot.press("escape")
        await until(pilot, lambda: "CHILD" in text(pilot.app))
    assert server.commands(Restart) == []


async def test_the_help_tells_each_key_of_the_bar(server, path):
    async with top(path, size=(80, 48)) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: "failures in a row" in text(pilot.app))
        for words in ("restart it", "filter: part of", "quit; the tree goes on", "◷ backoff"):
            assert words in text(pilot.app)
        await pilot.press("escape")
        await until(pilot, lambda: "failures in a row" not in text(pilot.app))


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_it_is_left_by_q_and_by_ctrl_c_from_anywhere(server, path, key):
    async with top(path) as pilot:
        if key == "ctrl+c":
            await pilot.press("r")
            await until(pilot, lambda: "touches" in text(pilot.app))
        await pilot.press(key)
        await until(pilot, lambda: not pilot.app.is_running)


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light", "textual-dark", "textual-light"])
async def test_colours_may_be_changed_and_the_words_stay(server, path, theme):
    async with top(path) as pilot:
        for _ in range(4):
            if pilot.app.theme == theme:
                break
            await pilot.press("t")
        assert pilot.app.theme == theme
        await until(pilot, lambda: "◷ backoff" in line_of(pilot.app, "ws_worker"))


async def test_without_colours_it_is_the_same(server, path, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with top(path) as pilot:
        await until(pilot, lambda: "✗" in text(pilot.app) or "◷ backoff" in text(pilot.app))
        strips = pilot.app.screen._compositor.render_strips()
        filtered = [pilot.app._filters[-1].apply(list(strip), None) for strip in strips]
        colours = {
            segment.style.color for line in filtered for segment in line if segment.style and segment.style.color
        }
    assert {colour.name for colour in colours} <= {"default"}


async def test_of_a_thousand_children_only_those_on_the_screen_are_drawn(path, monkeypatch):
    with Server(path, large(1000)) as server:
        async with top(path, size=(160, 40)) as pilot:
            await until(pilot, lambda: "1100/1100 up" in line(pilot.app, 0))
            asked = []
            wanted = pilot.app.table._row
            monkeypatch.setattr(pilot.app.table, "_row", lambda path: asked.append(path) or wanted(path))
            changed = [replace(one, crashes=1) for one in server.tree.children]
            server.say(delta(supervisor("big"), *changed, seq=1, events=(event(1, "big", "x"),)))
            await until(pilot, lambda: line_of(pilot.app, " w0 ").split()[5] == "1")
            assert len(set(asked)) < 40
            await pilot.press("end")
            await until(pilot, lambda: "w999" in text(pilot.app))
            assert pilot.app.table.selected == "big/s99/w999"
            await pilot.press("pageup", "home")
            await until(pilot, lambda: "w999" not in text(pilot.app))
            assert pilot.app.table.selected == "big"


async def test_a_click_puts_the_cursor_there(server, path):
    async with top(path) as pilot:
        await pilot.click("#tree", offset=(5, 5))
        assert pilot.app.table.selected == WS
        await pilot.click("#tree", offset=(5, 0))
        assert pilot.app.table.selected == WS


async def test_only_lines_that_are_others_are_drawn_again(server, path, monkeypatch):
    async with top(path) as pilot:
        await pilot.pause(0.3)
        drawn = set()
        refresh = pilot.app.table.refresh

        def record(*regions, **options):
            drawn.update(region.y for region in regions)
            return refresh(*regions, **options)

        monkeypatch.setattr(pilot.app.table, "refresh", record)
        await until(pilot, lambda: {5, 6} <= drawn)  # a countdown, and one that has been up for seconds
    assert drawn.isdisjoint({0, 1, 2, 3, 4, 9})  # the head, those that have been up for hours, and one that is stopped


async def test_lines_of_a_process_that_is_gone_are_dim(path):
    first = Server(path, massive())
    async with top(path) as pilot:
        first.end()
        await until(pilot, lambda: "DISCONNECTED" in line(pilot.app, 1))
        strips = pilot.app.screen._compositor.render_strips()
        orchestrator = next(strip for strip in strips if "  orchestrator" in strip.text)
        assert next(iter(orchestrator)).style.dim


@pytest.mark.parametrize("name", ["ws_worker", "spot_worker"])
async def test_tones_are_colours_of_the_terminal(server, path, name):
    async with top(path) as pilot:
        await until(pilot, lambda: any(name in shown for shown in text(pilot.app).splitlines()))
        strip = next(one for one in pilot.app.screen._compositor.render_strips() if name in one.text)
        state = next(segment for segment in strip if "running" in segment.text or "backoff" in segment.text)
    assert state.style.color.number == {"ws_worker": 3, "spot_worker": 2}[name]  # yellow, green


async def test_an_answer_that_comes_while_the_screen_is_taken_down_is_for_nobody(server, path):
    async with top(path) as pilot:
        await pilot.app.screen_stack[0].query("#main").remove()
        taken = []
        pilot.app.on_told(Told(lambda: taken.append(True)))
        pilot.app.post_message(TreeTable.Moved())
        await pilot.pause()
        assert taken == []
