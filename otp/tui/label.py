"""Text on the screen: without what is not to be read, and drawn again only if it is another."""

from rich.text import Text
from textual.widgets import Static

from otp.text.printable import printable


class Label(Static):
    """Lines of text, each cut off at the edge unless a style says otherwise; their number may change."""

    DEFAULT_CSS = """
    Label { height: auto; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, text: Text | None = None, id: str | None = None) -> None:
        super().__init__(text or "", id=id)
        self._text = text

    def show(self, text: Text) -> None:
        """Show a text, which may hold words of a child."""
        text = on_lines(text)
        if self._text is not None and (text, text.style) == (self._text, self._text.style):
            return
        size = len(self._text) if self._text is not None else -1
        self._text = text
        self.update(text, layout=len(text) != size)  # of the same length it takes as many lines


def on_one_line(text: Text) -> Text:
    """Put a text on one line, with a space for each character that is not to be read; its styles stay."""
    return _with(text, printable(text.plain))


def on_lines(text: Text) -> Text:
    """Put a space for each character of a text that is not to be read; its lines and styles stay."""
    return _with(text, "\n".join(map(printable, text.plain.split("\n"))))


def _with(text: Text, plain: str) -> Text:
    if plain == text.plain:
        return text
    clean = text.copy()
    clean.plain = plain  # as long as it was, so that the styles are where they were
    return clean
