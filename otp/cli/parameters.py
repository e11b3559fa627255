"""Types of the parameters of commands."""

from functools import partial

import click

from otp.text.durations import parse_duration


def seconds(given: str | float) -> float:
    """Parse a duration given as an option.

    Raises:
        click.BadParameter: it is none.
    """
    try:
        return given if isinstance(given, float) else parse_duration(str(given))
    except ValueError as wrong:
        raise click.BadParameter(str(wrong)) from None


duration_option = partial(click.option, type=seconds, metavar="DURATION")
"""An option that takes a time as 90s, 10m or 1h30m, and gives it in seconds."""
