"""How wide a text is on somebody's terminal, and what of it fits."""

import unicodedata

__all__ = ("cut", "cut_start", "width")


def width(text: str) -> int:
    """Columns that printable text takes on a terminal."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def cut(text: str, columns: int) -> str:
    """The text, its end replaced by `…` where it takes more than `columns`."""
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
    """The same at its beginning: the end of a path says more."""
    return cut(text[::-1], columns)[::-1]


def _columns(sign: str) -> int:
    if unicodedata.combining(sign):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1
