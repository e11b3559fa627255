"""Secrets are taken out of text, and what is none is left."""

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otp.quoting import TEXT_LIMIT
from otp.runtime.crash import SCAN_LIMIT, describe
from otp.runtime.redaction import redact

HIDDEN = [
    ("redis://bob:hunter2@host:6379/0 refused", "redis://[redacted]@host:6379/0 refused"),
    ("redis://:p@s/w#r?d@host/0", "redis://[redacted]@host/0"),
    ("wss://feed/stocks?apiKey=abc&x=1: 1012", "wss://feed/stocks?apiKey=[redacted]&x=[redacted] 1012"),
    ("https://host/p?abc", "https://host/p?[redacted]"),
    ("https://host/p#access=abc", "https://host/p#[redacted]"),
    ("bob:hunter2@localhost is down", "[redacted]@localhost is down"),
    ("api_key=abc, next", "api_key=[redacted] next"),
    ("MASSIVE_API_KEY=abc", "MASSIVE_API_KEY=[redacted]"),
    ("Config(password='a b', host='h')", "Config(password=[redacted], host='h')"),
    ('{"token": "a\\"b c", "n": 1}', '{"token": [redacted], "n": 1}'),
    ('{\\"password\\":\\"pass phrase\\", 1}', '{\\"password\\":[redacted], 1}'),
    ("headers['secret'] = b'abc'", "headers['secret'] = [redacted]"),
    ("Authorization: Bearer abc def\nHost: h", "Authorization: [redacted]\nHost: h"),
    ("{'Authorization': 'Basic YWJj', 'x': 1}", "{'Authorization': [redacted], 'x': 1}"),
    ("Set-Cookie: id=1; sid=2", "Set-Cookie: [redacted]"),
    ("sent Bearer abcdefg", "sent Bearer [redacted]"),
    ("sent Basic dXNlcjpw", "sent Basic [redacted]"),
    ("tool --db-password hunter2 go", "tool --db-password [redacted] go"),
    ("wrong password 'hunter two' given", "wrong password [redacted] given"),
    ("password='never closed", "password=[redacted]"),
    ("key AKIAIOSFODNN7EXAMPLE", "key [redacted]"),
    ("commit 3f786850e387550fdab836ed7e6dc881de23001b", "commit [redacted]"),
    ("id b6f1c1de-5b1a-4f3e-9c3a-0d6f0e6d7c11", "id [redacted]"),
    ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln end", "jwt [redacted] end"),
    (
        "https://hooks.example/services/T00AA/B00BB/aB3dE6gH9jK2mN5pQ8rS1tU4",
        "https://hooks.example/services/T00AA/B00BB/[redacted]",
    ),
    ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY----- x", "[redacted] x"),
]


@pytest.mark.parametrize(("text", "expected"), HIDDEN)
def test_a_secret_is_taken_out(text, expected):
    assert redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "1012 service restart",
        "Error 111 connecting to 127.0.0.1:6379. Connection refused.",
        "root/massive/workers/ws_worker did not start: not ready within start_timeout=3 s",
        "O:SPY251219C00650000 at 1.23",
        "/srv/app/feed2/services/massive/workers/ws_worker3.py",
        "ProviderConnectionClosedError2InTheFeed",
        "unexpected token at line 3",
        "basic authentication failed",
        "invalid username-password pair",
        "wss://feed.example/stocks closed",
        "2026-11-25T09:30:00.000000+00:00",
        "massive:model:bar:1m:SPY:20261125",
    ],
)
def test_what_is_no_secret_is_left(text):
    assert redact(text) == text


@given(st.text() | st.lists(st.sampled_from([text for text, _ in HIDDEN])).map(" ".join))
def test_a_second_look_finds_nothing_more(text):
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize("alphabet", [string.ascii_letters + string.digits, "0123456789abcdef"])
def test_random_keys_are_found_without_a_name_in_front(alphabet):
    dice = random.Random(7)
    keys = ["".join(dice.choices(alphabet, k=32)) for _ in range(500)]
    assert sum(key in redact(f"rejected {key} at once") for key in keys) <= 15  # 3 %: those that look like words


# ------------------------------------------------------------------------------------------------ in a crash


def test_a_crash_holds_no_secret_of_its_message_nor_of_its_leaves():
    group = ExceptionGroup(
        "token=canary", [ValueError("redis://u:canary@h"), ExceptionGroup("x", [OSError("pwd=canary")])]
    )
    crash = describe(group)
    assert "canary" not in repr(crash)
    assert [leaf.message for leaf in crash.leaves] == ["redis://[redacted]@h", "pwd=[redacted]"]


@pytest.mark.parametrize("start", range(SCAN_LIMIT - 40, SCAN_LIMIT + 5))
def test_a_secret_that_is_cut_in_two_does_not_get_through(start):
    filler = "ab3D" * 10_000  # is taken out, so that the cut comes into the part that is kept
    text = f"{filler[: start - 1]} redis://user:canary@host/0"
    assert "canary"[:3] not in describe(ValueError(text)).message


def test_a_long_message_is_cut_and_says_so():
    message = describe(ValueError("word " * 10_000)).message
    assert len(message) == TEXT_LIMIT
    assert message.endswith("…")
