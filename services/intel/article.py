"""Articles: what is known of a piece of news, and how two of them are told to be the same."""

from hashlib import blake2b

from msgspec import Struct

from services.intel.link import normalised


class Article(Struct, frozen=True, kw_only=True):
    """What `intel:articles` says of a piece of news.

    Attributes:
        id: the same for the same news, whichever feed brings it.
        source: the id of the feed that brought it first.
        url: as the feed links it, empty if it does not.
        title: as text.
        summary: as text, cut to the length that is kept.
        symbols: what it speaks of.
        published: seconds since 1970, never later than when it was read.
    """

    id: str
    source: str
    url: str
    title: str
    summary: str
    symbols: tuple[str, ...]
    published: float


def article_id(link: str, title: str) -> str:
    """Link and title together: a page whose title changes is news again, a title alone names many pages.

    Args:
        link: in any of its spellings, or what else identifies it when there is none.
        title: capitals and blanks do not count.
    """
    words = " ".join(title.casefold().split())
    return blake2b(f"{normalised(link)}\n{words}".encode("utf-8", "replace"), digest_size=16).hexdigest()
