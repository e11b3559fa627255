"""Foreign text on the screen: spaces in place of what is not to be read, the styles where they were."""

from rich.text import Text

from otp.text.printable import printable

__all__ = ("on_lines", "on_one_line")


def on_one_line(text: Text) -> Text:
    """The text on one line."""
    return _with(text, printable(text.plain))


def on_lines(text: Text) -> Text:
    """The text with its lines kept."""
    return _with(text, "\n".join(map(printable, text.plain.split("\n"))))


def _with(text: Text, plain: str) -> Text:
    if plain == text.plain:
        return text
    clean = text.copy()
    clean.plain = plain  # as long as it was, so that the styles are where they were
    return clean
