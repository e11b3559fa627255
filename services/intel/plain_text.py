"""From what a feed writes, HTML mostly, to the text that a reader would see."""

from html.parser import HTMLParser
from typing import Final

INLINE: Final = frozenset(
    "a abbr b bdi cite code em font i mark q s small span strong sub sup tt u var wbr".split()  # noqa: SIM905 (one a line would hide them)
)
UNSEEN: Final = frozenset({"script", "style", "template"})


def text_of_html(html: str) -> str:
    """The text between the tags, on one line; a tag that begins a block parts words, one within a line does not."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return one_line("".join(reader.pieces))


def one_line(text: str) -> str:
    """The words with one blank between them, and nothing that cannot be written as UTF-8."""
    return " ".join(text.encode("utf-8", "replace").decode().split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        _ = attrs
        self._part(tag)
        self._unseen += tag in UNSEEN

    def handle_endtag(self, tag: str) -> None:
        self._part(tag)
        self._unseen = max(0, self._unseen - (tag in UNSEEN))

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(data)

    def _part(self, tag: str) -> None:
        if tag not in INLINE:
            self.pieces.append(" ")
