"""From documents to articles: what is read, what it speaks of, and what makes two of them the same."""

from datetime import UTC, datetime

import pytest

from services.intel.article import article_id
from services.intel.config import Feed, News
from services.intel.document import TITLE_LIMIT, read_articles
from services.intel.errors import FeedBroken
from services.intel.fetch import Document, Validators
from services.intel.link import normalised
from services.intel.mentions import Mentions
from services.intel.plain_text import text_of_html

from .conftest import item, rss

FEED = Feed(id="wire", url="https://news.example/feed")
NOW = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
TENTH = datetime(2025, 11, 25, 10, tzinfo=UTC).timestamp()


def read(content, *, content_type="application/rss+xml", **news):
    document = Document(content, content_type, "https://news.example/feed", Validators())
    return read_articles(document, FEED, News(**news), NOW)


# ------------------------------------------------------------------------------------------------ what is read


def test_an_rss_item_becomes_an_article():
    (article,) = read(
        rss(
            item("Apple &amp; $MSFT agree", "https://a.example/x?utm_source=rss", summary="&lt;p&gt;Good&lt;br&gt;news")
        ),
        names={"Apple": "AAPL"},
    )
    assert (article.source, article.url) == ("wire", "https://a.example/x?utm_source=rss")
    assert (article.title, article.summary) == ("Apple & $MSFT agree", "Good news")
    assert article.symbols == ("AAPL", "MSFT")
    assert article.published == TENTH


ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><entry><id>urn:1</id>
<title type="html">&lt;b&gt;Big&lt;/b&gt; day</title><link href="/story"/><updated>2025-11-25T10:00:00Z</updated>
<summary>plain &lt; text</summary></entry></feed>"""


def test_an_atom_entry_does_too_with_its_link_made_whole():
    (article,) = read(ATOM.encode(), content_type="application/atom+xml; charset=utf-8")
    assert (article.title, article.summary, article.url) == ("Big day", "plain < text", "https://news.example/story")
    assert article.published == TENTH


def test_the_oldest_comes_first_and_what_has_no_date_or_one_to_come_is_of_now():
    undated = "<item><title>undated</title><link>https://a.example/u</link></item>"
    future = item("future", "https://a.example/f", date="Tue, 25 Nov 2036 10:00:00 GMT")
    found = read(rss(future, undated, item("old", "https://a.example/o")))
    assert [(article.title, article.published) for article in found] == [
        ("old", TENTH),
        ("undated", NOW),
        ("future", NOW),
    ]


def test_long_texts_are_cut_after_their_symbols_were_found():
    text = "word " * 2_000
    (article,) = read(rss(item(text, "https://a.example/x", summary=f"{text} $AAPL")), summary_limit=10)
    assert len(article.title) == TITLE_LIMIT
    assert article.summary == "word word "
    assert article.symbols == ("AAPL",)


def test_a_link_that_is_none_is_not_passed_on_and_an_entry_with_nothing_is_no_article():
    found = read(rss(item("script", "javascript:alert(1)"), item("", ""), item("no link")))
    assert sorted((article.title, article.url) for article in found) == [("no link", ""), ("script", "")]


def test_a_document_that_is_a_little_wrong_is_read_all_the_same():
    broken = rss(item("A &nbsp; B & C", "https://a.example/x"))
    assert [article.title for article in read(broken)] == ["A B & C"]


@pytest.mark.parametrize("reference", ["&#0;", "&#x85;"])
def test_characters_that_cannot_be_written_do_no_harm(reference):
    (article,) = read(rss(item(f"x {reference} y & z", "https://a.example/x")))
    assert article.title.encode().startswith(b"x ")


@pytest.mark.parametrize("reference", ["&#xD800;", "&#x110000;"])
def test_what_feedparser_stumbles_over_is_named(reference):
    with pytest.raises(FeedBroken, match="Error while reading it"):
        read(rss(item(f"x {reference} y & z", "https://a.example/x")))


WHOLE = rss(*(item(f"title {n}", f"https://a.example/{n}") for n in range(9)))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "neither RSS nor Atom"),
        (b"<html><body>back in a minute</body></html>", "neither RSS nor Atom"),
        (b'{"json": true}', "neither RSS nor Atom"),
        (bytes(range(256)) * 4, "neither RSS nor Atom"),
        (WHOLE[: len(WHOLE) // 2], "it ends in the middle"),
    ],
)
def test_what_is_no_feed_is_said_to_be_none(content, says):
    with pytest.raises(FeedBroken, match=rf"feed 'wire': no feed: {says}"):
        read(content)


def test_no_name_of_a_file_is_opened(tmp_path):
    file = tmp_path / "feed.xml"
    file.write_bytes(rss(item("secret", "https://a.example/x")))
    with pytest.raises(FeedBroken):
        read(bytes(file))


def test_no_entity_is_fetched_or_blown_up(tmp_path):
    file = tmp_path / "secret.txt"
    file.write_text("secret")
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    doctype = f'<!DOCTYPE rss [<!ENTITY f SYSTEM "{file.as_uri()}"><!ENTITY e0 "laughs">{levels}]>'
    content = rss(item("&f;|&e9;", "https://a.example/x")).replace(b"<rss", doctype.encode() + b"<rss")
    (article,) = read(content)
    assert "secret" not in article.title
    assert len(article.title) < 100


# ------------------------------------------------------------------------------------------------ the same article


@pytest.mark.parametrize(
    "link",
    [
        "http://News.example/a/b?x=1&y=2",
        "https://news.example:443/a/b/?y=2&x=1&utm_source=rss&fbclid=z#top",
        " https://user:pw@news.example/a/b?UTM_medium=m&x=1&y=2 ",
    ],
)
def test_the_same_page_has_one_spelling(link):
    assert normalised(link) == "news.example/a/b?x=1&y=2"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://a.example/x", "https://a.example/X"),
        ("https://a.example/x", "https://b.example/x"),
        ("https://a.example/x?id=1", "https://a.example/x?id=2"),
        ("https://a.example:8443/x", "https://a.example/x"),
    ],
)
def test_other_pages_have_others(one, other):
    assert normalised(one) != normalised(other)


@pytest.mark.parametrize("odd", ["", "urn:1", "http://[oops", "http://a.example:port/"])
def test_what_is_no_link_stays_what_it_is(odd):
    assert normalised(odd) == odd


def test_link_and_title_make_the_article():
    same = article_id("https://a.example/x", "Apple  rises")
    assert same == article_id("http://a.example/x/?utm_id=1", " apple rises ")
    assert same != article_id("https://a.example/x", "Apple falls")
    assert same != article_id("https://a.example/y", "Apple rises")


# ------------------------------------------------------------------------------------------------ what it speaks of


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("$AAPL and $BRK.B.", ("AAPL", "BRK.B")),
        ("($TSLA), $TSLA's", ("TSLA",)),
        ("$5, US$A, $$A, $Aardvark, $aapl, $TOOLONGS, a$B", ()),
        ("Apple sues Apple Records", ("AAPL", "APPR")),
        ("Pineapple, apple, Apples, Apple's", ("AAPL",)),
        ("AT&T (T)", ("T",)),
        ("Apple: $MSFT before Apple", ("AAPL", "MSFT")),
    ],
)
def test_cashtags_and_whole_names_are_found_each_once_in_order(text, symbols):
    assert Mentions({"Apple": "AAPL", "Apple Records": "APPR", "AT&T": "T"}).of(text) == symbols


def test_without_names_there_are_cashtags():
    assert Mentions({}).of("Apple $A") == ("A",)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two <b>th</b>ree</p>", "one two three"),
        ("a<script>x < y</script>b<style>c", "a b"),
        ("a &amp; b &lt;c&gt;\n\n d", "a & b <c> d"),
        ("an <a href='x'>end", "an end"),
    ],
)
def test_html_becomes_the_text_that_is_seen(html, text):
    assert text_of_html(html) == text
