"""From the bytes of an RSS or Atom document to articles. It takes time: call it in a thread."""

import re
from calendar import timegm
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any, Final
from xml.sax import SAXException

import feedparser  # type: ignore[import-untyped] # pyright: ignore[reportMissingTypeStubs]

from services.intel.article import Article, article_id
from services.intel.config import Feed, News
from services.intel.errors import FeedBroken
from services.intel.fetch import Document
from services.intel.link import is_web_link
from services.intel.mentions import Mentions
from services.intel.plain_text import one_line, text_of_html

HTML: Final = frozenset({"text/html", "application/xhtml+xml"})

TITLE_LIMIT: Final = 1_000
"""Characters of a title that are kept."""

_END: Final = re.compile(rb"</\s*(?:\w+:)?(?:rss|feed|rdf)\s*>", re.IGNORECASE)

_feedparser: Any = feedparser  # it has no types


def read_articles(document: Document, feed: Feed, news: News, now: float) -> tuple[Article, ...]:
    """The articles of a document, the oldest first; those with neither link nor title are none.

    Args:
        document: as it was fetched.
        feed: where from.
        news: names, and how much of a summary is kept.
        now: seconds since 1970, the time of what has none and of what claims to be from the future.

    Raises:
        FeedBroken: it is no feed, or one that was cut off.
    """
    mentions = Mentions(news.names)
    articles = (_article(entry, feed, news, mentions, now) for entry in reversed(_entries(document, feed)))
    return tuple(sorted(_known(articles), key=lambda article: article.published))


def _entries(document: Document, feed: Feed) -> list[Any]:
    headers = {"content-type": document.content_type, "content-location": document.location}
    try:
        # A stream, as feedparser takes bytes for the name of a file, and opens it.
        result = _feedparser.parse(BytesIO(document.content), response_headers=headers)
    except Exception as error:  # feedparser raises whatever its input makes it stumble over
        raise FeedBroken(feed.id, f"{type(error).__name__} while reading it") from error
    if not result.get("version"):
        raise FeedBroken(feed.id, f"neither RSS nor Atom, {document.content_type or 'no content type'}")
    # Many feeds are not quite XML and can be read all the same. One that ends in the middle would give half an article.
    if isinstance(result.get("bozo_exception"), SAXException) and not _END.search(document.content[-1_024:]):
        raise FeedBroken(feed.id, "it ends in the middle")
    return list(result["entries"])


def _article(entry: Any, feed: Feed, news: News, mentions: Mentions, now: float) -> Article | None:
    title, summary = _text(entry, "title")[:TITLE_LIMIT], _text(entry, "summary")
    link = str(entry.get("link") or "").strip()
    url = link if is_web_link(link) else ""
    own_name = url or str(entry.get("id") or "")
    if not own_name and not title:
        return None
    return Article(
        id=article_id(url or f"{feed.id}:{own_name}", title),
        source=feed.id,
        url=one_line(url),
        title=title,
        summary=summary[: news.summary_limit],
        symbols=mentions.of(f"{title}\n{summary}"),
        published=min(_published(entry, now), now),
    )


def _text(entry: Any, name: str) -> str:
    text = str(entry.get(name) or "")
    detail: Any = entry.get(f"{name}_detail")
    return text_of_html(text) if detail and detail.get("type") in HTML else one_line(text)


def _published(entry: Any, now: float) -> float:
    when = entry.get("published_parsed") or entry.get("updated_parsed")
    return now if when is None else float(timegm(when))


def _known(articles: Iterable[Article | None]) -> Iterator[Article]:
    return (article for article in articles if article is not None)
