"""An entry of `intel:articles`, read and scored: what is published of it, or why it is rejected."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from services.sentiment.lexicon import Lexicon
from services.shared.consumer_group import Entry

"""Id and fields of a stream's entry, as Redis gives them."""

Symbol = Annotated[str, Meta(min_length=1, max_length=64)]


class BadArticle(ValueError):
    """The entry is no article."""


class Article(Struct, frozen=True, kw_only=True):
    """What is read of an article.

    Attributes:
        id: its own, whatever entry carries it.
        title: of any length.
        published: seconds since 1970, as its source says.
        summary: of any length.
        symbols: what it is about.
    """

    id: str
    title: str
    published: float
    summary: str = ""
    symbols: tuple[Symbol, ...] = ()


class Score(Struct, frozen=True, kw_only=True):
    """What `sentiment:scores` says of an article.

    Attributes:
        article: its id.
        symbols: each once.
        score: from -1 to 1.
        at: seconds since 1970.
    """

    article: str
    symbols: tuple[str, ...]
    score: float
    at: float


_decode: Final = msgspec.json.Decoder(Article).decode


def read_article(fields: dict[bytes, bytes]) -> Article:
    """Read the article out of an entry's fields.

    Raises:
        BadArticle: it has none, or one that cannot be read; the message says why.
    """
    text = fields.get(b"article")
    if text is None:
        raise BadArticle("an entry without article")
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadArticle(str(error)) from None


def score_entry(entry: Entry, lexicon: Lexicon, text_limit: int) -> Score:
    """Score the article of an entry. The same entry gives the same score, whenever that is done.

    Its time is that of publication, but never later than that of the entry: a source whose clock is ahead would
    otherwise take the weight of all others.

    Raises:
        BadArticle: there is no article in it.
    """
    id, fields = entry
    article = read_article(fields)
    text = f"{article.title}. {article.summary}"[:text_limit]
    return Score(
        article=article.id,
        symbols=tuple(dict.fromkeys(article.symbols)),
        score=lexicon.score(text),
        at=min(article.published, int(id.partition(b"-")[0]) / 1_000),
    )
