"""The lines above the tree: its name and state, and a line for each thing that is wrong with the whole."""

from collections.abc import Iterator

from rich.text import Text

from otp.control.client.link import Link
from otp.control.client.mirror import Mirror
from otp.control.wire.looks import INCIDENTS, NEED_DOWN, TREES, Tone
from otp.text.durations import short
from otp.text.printable import printable
from otp.tui.colours import STYLES
from otp.tui.label import Label, on_one_line

LATE = 0.1
"""Seconds of lag from which on it is worth a look."""

Part = tuple[str, str]


class Headline(Label):
    """The lines."""

    def draw(self, mirror: Mirror, link: Link, clock: float) -> None:
        """Draw the lines.

        Args:
            mirror: the tree.
            link: how the client stands with the process.
            clock: the monotonic clock.
        """
        lines = map(on_one_line, (headline(mirror, link, clock), *alarms(mirror, link, clock)))
        self.show(Text("\n", no_wrap=True, overflow="ellipsis").join(lines))


def headline(mirror: Mirror, link: Link, clock: float) -> Text:
    """`massive  pid 4121 · asyncio · up 6d02h · 14/15 up · 1 open incident · lag 3 ms`."""
    greeting, now = link.greeting, link.now(clock)
    if mirror.snapshot is None:
        return Text(f"otp top: connecting to {greeting.app if greeting else 'the process'} …")
    seen = mirror.snapshot
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f" {printable(seen.app)} ", "bold reverse")
    text.append(f" {mirror.state}", f"bold {STYLES[TREES.get(mirror.state, Tone.PLAIN)]}")
    text.append(f"  {mirror.up}/{mirror.total} up", "bold" if mirror.up < mirror.total else "")
    for words, style in _figures(mirror):
        text.append(" · ").append(words, style)
    text.append(f" · pid {seen.pid} · {seen.backend} · up {short(mirror.up_s(now))}")
    if greeting and greeting.role == "read":
        text.append(" · read-only", "bold")
    return text


def alarms(mirror: Mirror, link: Link, clock: float) -> Iterator[Text]:
    """Yield a line for each thing that is wrong with the whole, the worst first."""
    now = link.now(clock)
    if link.state == "lost":
        yield _alarm(f"DISCONNECTED for {short(clock - link.since)}", f"{link.why}; shown is the tree as it was then")
    if blocked := mirror.blocked(now):
        place = f"  {blocked.stack[-1]}" if blocked.stack else ""
        yield _alarm(f"EVENT LOOP BLOCKED for {short(blocked.seconds)}", f"by {blocked.who}{place}")
    for need in mirror.needs:
        if need.down_s is not None:
            last = f": {need.last}" if need.last else ""
            said = f" ! {need.name} down for {short(need.down_s + mirror.age(now))}{last}"
            yield Text(printable(said), STYLES[NEED_DOWN], no_wrap=True, overflow="ellipsis")


def _figures(mirror: Mirror) -> Iterator[Part]:
    if mirror.open_incidents:
        yield f"{mirror.open_incidents} open incident{'s'[: mirror.open_incidents != 1]}", STYLES[INCIDENTS["open"]]
    lag = mirror.snapshot.lag_s if mirror.snapshot else None
    if lag is not None:
        yield f"lag {lag * 1000:.0f} ms", STYLES[Tone.WAITING if lag >= LATE else Tone.PLAIN]


def _alarm(loud: str, text: str) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    return line.append(f" !! {loud} ", "bold reverse red").append(f" {printable(text)}", STYLES[Tone.BAD])
