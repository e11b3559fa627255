"""A server in hostile hands, or children with hostile names and words: the screen shows none of it but letters."""

import pytest
from msgspec.structs import replace

from otp.control.client.feed import Feed
from otp.control.wire.commands import GetEvents, GetSnapshot, GetWhy
from otp.control.wire.protocol import Acted, Events, Failed, Reply
from otp.control.wire.rows import Delta, Snapshot, Why
from otp.tui.app import Top
from otp.tui.pages import PAGES
from tests.hostile import HOSTILE, dangerous, hostile
from tests.tui.screens import text, until
from tests.tui.server import Server

TREE = hostile(Snapshot)


class Hostile(Server):
    """Answers with hostile words wherever the protocol has room for some."""

    fails = False

    def _reply(self, id, command):
        if isinstance(command, GetSnapshot):
            return Reply(id, self.tree)
        if self.fails:
            return Failed(id=id, kind="error", message=HOSTILE)
        if isinstance(command, GetEvents):
            return Reply(id, hostile(Events))
        if isinstance(command, GetWhy):
            return Reply(id, replace(hostile(Why), child=replace(hostile(Why).child, path=command.path)))
        return Reply(id, replace(hostile(Acted), dry_run=command.dry_run))


@pytest.fixture
def server(path):
    with Hostile(path, TREE) as server:
        yield server


def drawn(app):
    """All characters of the screen, and what is sent to the terminal for it."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip if not segment.control) for strip in strips)


@pytest.fixture
async def pilot(path, server):
    feed = Feed(path, retry=0.05, silence=0.2, patience=0.5)
    app = Top(path, feed)
    async with app.run_test(size=(160, 60)) as pilot:
        await until(pilot, lambda: "injected" in text(app) and len(app.table.paths) > 1)
        yield pilot
        assert not dangerous(drawn(app))
    feed.join()
    app.queries.join()


@pytest.mark.parametrize("number", range(1, len(PAGES) + 1))
@pytest.mark.parametrize("fails", [False, True])
async def test_no_page_of_the_details_shows_more_than_letters(pilot, server, number, fails):
    server.fails = fails
    await pilot.press("down", str(number))
    await until(pilot, lambda: server.commands(GetWhy) and pilot.app._details._answered is not None)
    await until(pilot, lambda: "injected" in text(pilot.app))
    assert not dangerous(drawn(pilot.app))


@pytest.mark.parametrize("fails", [False, True])
async def test_what_happens_and_what_comes_of_a_command_is_shown_in_letters(pilot, server, fails):
    server.say(replace(hostile(Delta), seq=TREE.seq + 1))
    await pilot.press("e")
    await until(pilot, lambda: "events of the whole tree" in text(pilot.app))
    assert not dangerous(drawn(pilot.app))
    await pilot.press("escape")
    server.fails = fails
    await pilot.press("down", "r")
    if not fails:
        await until(pilot, lambda: "touches" in text(pilot.app) and "reason" in text(pilot.app))
        assert not dangerous(drawn(pilot.app))
        await pilot.press("enter")
    await until(pilot, lambda: "✗ restart" in text(pilot.app))
    assert not dangerous(drawn(pilot.app))


async def test_that_it_is_lost_is_said_in_letters(pilot, server):
    server.end()
    await until(pilot, lambda: "DISCONNECTED" in text(pilot.app))
    assert not dangerous(drawn(pilot.app))
