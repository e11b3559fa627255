"""The lexicon: what it says of a text, and that it needs nothing but its own files."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sentiment import lexicon as module
from services.sentiment.lexicon import Lexicon

SOUNDS = {
    "Shares surge after record profit, analysts see great growth": 1,
    "Shares crash after terrible loss, fears of bankruptcy": -1,
    "The company will publish its figures on Tuesday": 0,
}


@pytest.mark.parametrize(("text", "sign"), SOUNDS.items())
def test_good_news_is_above_zero_bad_news_below_and_mere_facts_are_zero(lexicon, text, sign):
    score = lexicon.score(text)
    assert (score > 0) - (score < 0) == sign


def test_a_negation_turns_a_word_around(lexicon):
    assert lexicon.score("not a good year") < 0 < lexicon.score("a good year")


@given(st.text(max_size=300) | st.text("abno !?.:-)\t\ngodkif'😀", max_size=300))
def test_any_text_has_a_score_from_minus_one_to_one(text):
    assert -1 <= SHARED.score(text) <= 1


SHARED = Lexicon()

OFFLINE = """
import socket
def deny(*args, **options):
    raise AssertionError("the lexicon wants the network")
socket.socket.connect = socket.getaddrinfo = deny
import sys
from services.sentiment.lexicon import Lexicon
print(Lexicon().score("good") > 0, "requests" in sys.modules)
"""


def test_it_is_loaded_without_network_without_warnings_and_without_its_packages_web_client():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", OFFLINE], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("True False\n", "", 0)


def test_a_package_that_is_not_there_is_named_with_what_to_install(monkeypatch):
    monkeypatch.setattr(module, "_PACKAGE", "a_lexicon_that_nobody_has")
    with pytest.raises(RuntimeError, match=r"a_lexicon_that_nobody_has is not installed; pip install"):
        Lexicon()
