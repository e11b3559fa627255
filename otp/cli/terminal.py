"""Text on a terminal: its colours, how wide it is, and what of it fits."""

import unicodedata
from typing import Literal

import click

from otp.control.wire.looks import Tone

Style = Tone | Literal["title"]

_STYLES: dict[Style, dict[str, object]] = {
    Tone.GOOD: {"fg": "green"},
    Tone.WAITING: {"fg": "yellow"},
    Tone.BAD: {"fg": "red", "bold": True},
    Tone.QUIET: {"dim": True},
    Tone.PLAIN: {},
    "title": {"bold": True},
}


def paint(text: str, style: Style, *, colour: bool) -> str:
    """Return the text in the colours of a style, if there is colour."""
    return click.style(text, **_STYLES[style]) if colour and text and _STYLES[style] else text  # type: ignore[arg-type]


def width(text: str) -> int:
    """Count the columns that printable text takes on a terminal."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def cut(text: str, columns: int) -> str:
    """Return the text, its end replaced by `…` where it takes more than `columns`."""
    if width(text) <= columns:
        return text
    kept, used = "", 1
    for sign in text:
        used += _columns(sign)
        if used > columns:
            break
        kept += sign
    return f"{kept}…"


def cut_start(text: str, columns: int) -> str:
    """Return the text, its beginning replaced by `…` where it takes more than `columns`: the end of a path says more."""
    return cut(text[::-1], columns)[::-1]


def _columns(sign: str) -> int:
    if unicodedata.combining(sign):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1
