"""Secrets are taken out of text, and what is none is left."""

import ast
import sysconfig
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otp.runtime.crash import SCAN_LIMIT, describe
from otp.text.quoting import TEXT_LIMIT
from otp.text.redaction import clean_name, redact
from tests.hostile import HOSTILE
from tests.runtime import secret_kinds

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
    ("get('/x', auth=('bob', 'hunter2'), retries=3)", "get('/x', auth=[redacted], retries=3)"),
    ("auth=BasicAuth('bob', 'hunter (2)') x", "auth=[redacted] x"),
    ("Command '['x', '--password', 'hunter2']' returned 1", "Command '['x', '--password', [redacted]]' returned 1"),
    ("['x', '--key', 'abc']", "['x', '--key', [redacted]]"),
    ("headers=[(b'x-api-key', b'abc'), (b'host', b'h')]", "headers=[(b'x-api-key', [redacted]), (b'host', b'h')]"),
    ("('authorization', 'Bearer abc')", "('authorization', [redacted])"),
    ("password: correct horse battery, host: h", "password: [redacted], host: h"),
    ("<ns:Password type='x'>abc d</ns:Password>", "<ns:Password type='x'>[redacted]</ns:Password>"),
    ('<add key="password" value="abc"/>', '<add key="password" value=[redacted]/>'),
    ('{"name": "DB_PASSWORD", "value": "abc"}', '{"name": "DB_PASSWORD", "value": [redacted]}'),
    ("body apiKey%3Dabc%26x%3D1 sent", "body apiKey%3D[redacted] sent"),
    ("redirect apiKey%253Dabc sent", "redirect apiKey%253D[redacted] sent"),
    ("pass=abc pw=abc db_pass=abc DB_PW: abc", "pass=[redacted] pw=[redacted] db_pass=[redacted] DB_PW: [redacted]"),
    ("key=abc1 stream_key=ABC1DEF", "key=[redacted] stream_key=[redacted]"),
    ('{"action":"auth","params":"abc"}', '{"action":"auth","params":[redacted]}'),
    ("{'params': 'abc', 'action': 'auth'}", "{'params': [redacted], 'action': 'auth'}"),
    ('{\\"action\\":\\"auth\\",\\"params\\":\\"abc\\"}', '{\\"action\\":\\"auth\\",\\"params\\":[redacted]}'),
    ("trace 4bf92f3577b34da6 ends", "trace [redacted] ends"),
    ("sent qXbTzKfWmLpRvNhJdGcYsQwErTuIoPlK", "sent [redacted]"),
    ("sent xkqjvbzmwtpfhgdrcnlyaosieuqkxjzv", "sent [redacted]"),
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
        "WRONGTYPE at key=massive:model:bar:1m:SPY",
        "sorted() got key=lambda row: row[0]",
        "primary_key=17, key=symbol, key=SPY",
        "password=None token='' secret=false",
        '{"action":"subscribe","params":"T.SPY,T.AAPL"}',
        "unexpected token '<' at line 3",
        "pass: 12, fail: 3",
        "<Worker object at 0x00007f3a2c1b9d10>",
        "gap in SPXW251219C06500000",
        "since 20261125T093000.123456Z",
        "xxxxxxxxxxxxxxxxxxxxxxxx",
        "FeedSnapshotError: refused",
        "WSGIRequestHandler, test_xmlrpc_client",
    ],
)
def test_what_is_no_secret_is_left(text):
    assert redact(text) == text


@given(st.text() | st.lists(st.sampled_from([text for text, _ in HIDDEN])).map(" ".join))
def test_a_second_look_finds_nothing_more(text):
    assert redact(redact(text)) == redact(text)


def test_the_rates_are_those_that_the_documentation_states():
    """After a change on purpose: python -m tests.runtime.secret_kinds, into docs/operating.md."""
    assert secret_kinds.table() in Path("docs/operating.md").read_text()


def test_what_the_standard_library_raises_is_left():
    """Less than one message in a hundred loses something: the fragment of a URL, or a word behind "token: "."""
    messages = sorted(set(raised(Path(sysconfig.get_path("stdlib")))))
    assert len(messages) > 500
    changed = [message for message in messages if redact(message) != message]
    assert len(changed) <= 0.01 * len(messages), changed


def raised(folder):
    """The texts of all exceptions that the modules of a folder raise."""
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                yield from (a.value for a in node.exc.args if isinstance(a, ast.Constant) and isinstance(a.value, str))


ADVERSARIAL = [
    "eyJ-", "eyJ.", "password", "password=", "password=(", "password='", 'token="\\', "token='x\\\n", "--password ", "<password ",
    "<password>", "auth", '"auth","params":', "params':", "a:b@", "a:", ",a:", "://a@", "://a?b&", "Bearer a", "Basic a",
    "-----BEGIN PRIVATE KEY-----", "-----BEGIN A", "sk-", "cookie:\n", "key=", "key%3D", "((((", "[{(", ")]}", "pass pass", "pw= ",
    "Aa0", "aB3/", "a=", "a/", "0x1", "'password', ", "\\", "password: a ", "--a-", '"', "'", "x", "-_", " ",
]  # fmt: skip
"""What some expression begins with, again and again, so that it might be tried from each place to the end."""


def work(text):
    """Seconds of the processor that redaction takes, at the least of some tries."""

    def once():
        before = time.process_time()
        redact(text)
        return time.process_time() - before

    return min(once() for _ in range(5))


@pytest.mark.parametrize("piece", ADVERSARIAL)
@pytest.mark.parametrize("end", ["", "@x", "\n", "'", '"', ")", "="])
def test_eight_times_the_text_costs_about_eight_times_the_work(piece, end):
    short, long = (piece * (length // len(piece)) + end for length in (2_048, 16_384))
    growth = work(long) / max(work(short), 1e-4)  # what takes less is not told from noise
    assert growth < 24, f"{growth:.0f}, and 64 if it were quadratic"


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


def test_a_crash_is_printable_in_its_type_its_message_and_its_frames_and_holds_no_secret():
    raise_ = "def f(error):\n    raise error\n"
    place = {}
    exec(compile(raise_, f"{HOSTILE} token=canary", "exec"), place)
    odd = type(HOSTILE, (Exception,), {"__module__": f"{HOSTILE} password=canary"})
    built_in = type(HOSTILE, (Exception,), {"__module__": "builtins"})
    for error in (odd(HOSTILE), built_in(HOSTILE), ExceptionGroup(HOSTILE, [odd(HOSTILE)])):
        with pytest.raises(type(error)) as raised:
            place["f"](error)
        crash = describe(raised.value)
        for one in (crash, *crash.leaves):
            said = (one.type, one.message, *one.frames)
            assert all(map(str.isprintable, said)), said
            assert "canary" not in repr(said)


def test_a_folder_that_is_called_by_a_hash_stays_in_a_frame():
    place = "/nix/store/3f786850e387550fdab836ed7e6dc881de23001b-app/feed.py:88 run"
    assert clean_name(place) == place
    assert clean_name("/srv/token=abc/feed.py:88 run") == "/srv/token=[redacted] run"
