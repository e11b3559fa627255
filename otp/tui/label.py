"""A text on the screen that is drawn again only if it is another."""

from rich.text import Text
from textual.widgets import Static

from otp.tui.clean import on_lines

__all__ = ("Label",)


class Label(Static):
    """Lines of text, each cut off at the edge unless a style says otherwise; their number may change."""

    DEFAULT_CSS = """
    Label { height: auto; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, text: Text | None = None, id: str | None = None) -> None:
        super().__init__(text or "", id=id)
        self._text = text

    def show(self, text: Text) -> None:
        """Show this text, whoever said it."""
        text = on_lines(text)
        if self._text is not None and (text, text.style) == (self._text, self._text.style):
            return
        size = len(self._text) if self._text is not None else -1
        self._text = text
        self.update(text, layout=len(text) != size)  # of the same length it takes as many lines
