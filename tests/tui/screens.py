"""Seeing and waiting in tests of the screen."""

import time
from contextlib import asynccontextmanager, contextmanager
from threading import Event

from otp.control.client.feed import Feed
from otp.tui.app import Top

PATIENCE = 20.0


@asynccontextmanager
async def top(path, size=(160, 40)):
    """The screen with a pilot, once it shows the tree; its threads have ended when this has."""
    feed = Feed(path, retry=0.05, silence=0.2, patience=0.5)
    app = Top(path, feed)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: " up" in line(app, 0) and "● running" in text(app) and is_drawn(app))
        yield pilot
    feed.join()
    app.queries.join()


def is_drawn(app):
    """Whether the tree is on the screen, as far as it may be expected to be."""
    shown = text(app)
    return all(path.rpartition("/")[2] in shown for path in app.table.paths[:8])


async def until(pilot, condition):
    """Wait until it is so on the screen."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"it did not come, and this did:\n{text(pilot.app)}"
        await pilot.pause(0.02)


def wait_for(condition):
    """The same without a screen."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        Event().wait(0.01)


@contextmanager
def running(feed):
    """A feed that runs, and has ended afterwards."""
    feed.start()
    try:
        yield feed
    finally:
        feed.stop()
        feed.join()


def lines(app):
    """The screen as lines of text."""
    return [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]


def line(app, number):
    found = lines(app)
    return found[number] if number < len(found) else ""


def text(app):
    return "\n".join(lines(app))


def line_of(app, name):
    """The first line with this in it."""
    return next((one for one in lines(app) if name in one), "")
