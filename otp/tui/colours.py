"""The colours: what a tone of `otp.control.wire.looks` is in them, and whether they are the terminal's or a theme's."""

from collections.abc import Mapping

from otp.control.wire.looks import Tone

STYLES = {
    Tone.GOOD: "green",
    Tone.WAITING: "bold yellow",
    Tone.BAD: "bold red",
    Tone.QUIET: "dim",
    Tone.PLAIN: "",
}
"""What a tone is in the terminal's own colours; in the table a theme decides, see `TreeTable.DEFAULT_CSS`."""

THEMES = ("ansi-dark", "ansi-light", "textual-dark", "textual-light")

_BRIGHT = ("7", "15")
"""Colours of a background that make it a light one."""


def first_theme(environment: Mapping[str, str]) -> str:
    """The theme that TEXTUAL_THEME asks for, else the terminal's own colours.

    A terminal may say in COLORFGBG whether its background is light. Without that the dark theme does: background and text
    are the terminal's in either case.
    """
    background = environment.get("COLORFGBG", "").rpartition(";")[2]
    return environment.get("TEXTUAL_THEME") or ("ansi-light" if background in _BRIGHT else "ansi-dark")


def next_theme(theme: str) -> str:
    """The theme after `theme`, the first after the last and after an unknown one."""
    return THEMES[(THEMES.index(theme) + 1) % len(THEMES)] if theme in THEMES else THEMES[0]
