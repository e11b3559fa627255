"""From an entry of the stream to a score."""

import json

import pytest

from services.sentiment.articles import BadArticle, read_article, score_entry

SECOND = 1_700_000_000
ENTRY = f"{SECOND}500-0".encode()


def fields(**article):
    return {b"article": json.dumps({"id": "a", "title": "Great profit", "published": SECOND} | article).encode()}


def scored(lexicon, text_limit=1_000, **article):
    return score_entry((ENTRY, fields(**article)), lexicon, text_limit)


def test_an_article_is_scored_by_title_and_summary(lexicon):
    plain, worse = scored(lexicon), scored(lexicon, summary="But terrible, horrible losses.")
    assert plain.score > 0 > worse.score
    assert (plain.article, plain.at, plain.symbols) == ("a", SECOND, ())


def test_what_is_beyond_the_limit_is_not_read(lexicon):
    assert scored(lexicon, 14, summary="But terrible, horrible losses.") == scored(lexicon, 14)


def test_a_symbol_counts_once_however_often_it_is_named(lexicon):
    assert scored(lexicon, symbols=["B", "A", "B"]).symbols == ("B", "A")


def test_its_time_is_that_of_publication_but_never_later_than_that_of_the_entry(lexicon):
    assert scored(lexicon, published=SECOND - 60.25).at == SECOND - 60.25
    assert scored(lexicon, published=SECOND + 1_000_000).at == SECOND + 0.5
    assert scored(lexicon, published=SECOND * 1_000).at == SECOND + 0.5


BAD = {
    "no article": {b"other": b"x"},
    "no JSON": {b"article": b"{oops"},
    "no object": {b"article": b"[]"},
    "no UTF-8": {b"article": b'{"id": "\xff", "title": "t", "published": 1}'},
    "no title": {b"article": b'{"id": "a", "published": 1}'},
    "no number": {b"article": b'{"id": "a", "title": "t", "published": NaN}'},
    "no finite number": {b"article": b'{"id": "a", "title": "t", "published": 1e999}'},
    "an empty symbol": fields(symbols=[""]),
    "an endless symbol": fields(symbols=["A" * 65]),
    "a symbol that is none": fields(symbols=[7]),
}


@pytest.mark.parametrize("given", BAD.values(), ids=BAD)
def test_what_is_no_article_is_refused_with_a_reason(given):
    with pytest.raises(BadArticle) as refused:
        read_article(given)
    assert str(refused.value)
