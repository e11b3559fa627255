"""The colours: those of the terminal itself, or those of a theme."""

from collections.abc import Mapping

__all__ = ("first_theme", "next_theme")

THEMES = ("ansi-dark", "ansi-light", "textual-dark", "textual-light")

_BRIGHT = ("7", "15")
"""Colours of a background that make it a light one."""


def first_theme(environment: Mapping[str, str]) -> str:
    """The one that is asked for by TEXTUAL_THEME, else the terminal's own colours.

    Whether its background is light is known where the terminal says so in COLORFGBG; the difference is small, for the
    background and the text are the terminal's in either case.
    """
    background = environment.get("COLORFGBG", "").rpartition(";")[2]
    return environment.get("TEXTUAL_THEME") or ("ansi-light" if background in _BRIGHT else "ansi-dark")


def next_theme(theme: str) -> str:
    """The one after `theme`."""
    return THEMES[(THEMES.index(theme) + 1) % len(THEMES)] if theme in THEMES else THEMES[0]
