"""Secrets of many kinds, and what is none, made by dice: how often redaction is right, as docs/operating.md states it.

python -m tests.runtime.secret_kinds        prints the table
"""

import base64
import json
import random
import string
import sys
import urllib.parse
import uuid

from otp.text.redaction import redact

EACH = 400
"""Examples of each kind."""

_LETTERS = string.ascii_letters + string.digits
_WORDS = [
    "orchestrator",
    "worker",
    "redis",
    "feed",
    "connection",
    "closed",
    "refused",
    "order",
    "book",
    "stream",
    "market",
    "archive",
    "publish",
    "timeout",
    "snapshot",
    "provider",
    "session",
    "limit",
    "account",
    "retry",
    "consumer",
    "group",
    "supervisor",
    "restart",
    "depth",
    "quote",
    "trade",
]


def _text(dice, alphabet, length):
    return "".join(dice.choices(alphabet, k=length))


def _password(dice):
    """As people choose them: a word and a few signs."""
    return f"{dice.choice(_WORDS)}{dice.randrange(10, 99_999)}{dice.choice('!$%*+.#')}"


def _key(dice):
    return _text(dice, _LETTERS, 32)


def _jwt(dice):
    parts = (json.dumps({"alg": "HS256"}), json.dumps({"sub": str(dice.random())}), _text(dice, _LETTERS, 43))
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)


def _pem(dice):
    body = "\n".join(_text(dice, _LETTERS + "+/", 64) for _ in range(4))
    return f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----"


NAMED = {
    "a field, `password=…`": lambda p: f"Config(host='h', password={p}, n=1)",
    "a field with a colon, `password: …`": lambda p: f"login: bob\npassword: {p}\nhost: h",
    "a phrase, `password: … … …`": lambda p: f"password: correct {p} staple",
    "short names, `pass=`, `pw=`": lambda p: f"login bob pass={p}; pw={p}",
    "`key=`": lambda p: f"GET /v1?x key={p} 403",
    "a quoted field, `'token': '…'`": lambda p: f"{{'a': 1, 'token': '{p}'}}",
    "JSON": lambda p: json.dumps({"n": 1, "api_key": p}),
    "JSON within JSON": lambda p: json.dumps({"body": json.dumps({"secret": p})}),
    "massive's `params`": lambda p: json.dumps({"action": "auth", "params": p}),
    "massive's `params`, within JSON": lambda p: json.dumps([json.dumps({"action": "auth", "params": p})]),
    "a tuple, `auth=('bob', '…')`": lambda p: f"get('/x', auth=('bob', '{p}'), retries=3)",
    "a list of arguments": lambda p: f"Command '['mysqldump', '--password', '{p}']' returned non-zero exit status 2.",
    "an option, `--password …`": lambda p: f"run: mysqldump --db-password {p} shop",
    "bytes, `(b'x-api-key', b'…')`": lambda p: f"headers=[(b'host', b'h'), (b'x-api-key', b'{p}')]",
    "a header": lambda p: f"> Authorization: Bearer {p}\n> Host: h",
    "XML": lambda p: f"<login><user>bob</user><password>{p}</password></login>",
    "URL-encoded": lambda p: f"body was user%3Dbob%26apiKey%3D{urllib.parse.quote(p)}",
    "a URL's user and password": lambda p: f"cannot reach redis://bob:{p}@10.0.0.1:6379/0",
    "a URL's query": lambda p: f"GET https://api.example/v2/aggs?apiKey={p}&limit=5",
}
BARE = {
    "a JSON Web Token": _jwt,
    "a PEM key": _pem,
    "16 hex digits": lambda dice: _text(dice, "0123456789abcdef", 16),
    "32 hex digits": lambda dice: _text(dice, "0123456789abcdef", 32),
    "64 hex digits": lambda dice: _text(dice, "0123456789ABCDEF", 64),
    "a UUID": lambda dice: str(uuid.UUID(int=dice.getrandbits(128))),
    "16 letters and digits": lambda dice: _text(dice, _LETTERS, 16),
    "32 letters and digits": lambda dice: _text(dice, _LETTERS, 32),
    "16 letters": lambda dice: _text(dice, string.ascii_letters, 16),
    "32 letters": lambda dice: _text(dice, string.ascii_letters, 32),
    "32 small letters": lambda dice: _text(dice, string.ascii_lowercase, 32),
    "32 capitals": lambda dice: _text(dice, string.ascii_uppercase, 32),
    "base32, 32 characters": lambda dice: base64.b32encode(dice.randbytes(20)).decode(),
    "base64, 24 bytes": lambda dice: base64.b64encode(dice.randbytes(24)).decode(),
    "base64url, 32 bytes": lambda dice: base64.urlsafe_b64encode(dice.randbytes(32)).decode(),
    "12 letters and digits": lambda dice: _text(dice, _LETTERS, 12),
    "16 decimal digits": lambda dice: _text(dice, string.digits, 16),
}


def _path(dice):
    folders = "/".join(dice.sample(_WORDS, dice.randrange(2, 5)))
    return f"/srv/{folders}/{dice.choice(_WORDS)}_{dice.choice(_WORDS)}{dice.randrange(9)}.py:{dice.randrange(900)}"


def _camel(dice):
    return "".join(word.title() for word in dice.choices(_WORDS, k=dice.randrange(2, 6))) + "Error"


def _option(dice):
    root = _text(dice, string.ascii_uppercase, dice.randrange(1, 6))
    day = f"{dice.randrange(24, 30)}{dice.randrange(1, 13):02}{dice.randrange(1, 29):02}"
    return f"O:{root}{day}{dice.choice('CP')}{dice.randrange(10**6):08}"


def _iso(dice):
    day = f"2026-{dice.randrange(1, 13):02}-{dice.randrange(1, 29):02}"
    time = f"{dice.randrange(24):02}:{dice.randrange(60):02}:{dice.random() * 60:09.6f}"
    return dice.choice((f"{day}T{time}+00:00", f"{day} {time}", f"{day}T{time}Z".replace("-", "").replace(":", "")))


ORDINARY = {
    "a path and a line": lambda dice: f"in {_path(dice)} run",
    "a line of a traceback": lambda dice: (
        f'  File "/usr/lib/python3.11{_path(dice)}", line {dice.randrange(999)}, in f'
    ),
    "a type and a message": lambda dice: f"{_camel(dice)}: {' '.join(dice.choices(_WORDS, k=6))}",
    "a long name": lambda dice: f"no attribute {'_'.join(dice.choices(_WORDS, k=dice.randrange(3, 6)))!r}",
    "an object": lambda dice: f"<{_camel(dice)} object at 0x{dice.getrandbits(47):012x}>",
    "a symbol of an option": lambda dice: f"gap in {_option(dice)} at {dice.random() * 100:.2f}",
    "a date": lambda dice: f"no trade since {_iso(dice)}",
    "a key of Redis": lambda dice: f"WRONGTYPE key={':'.join(dice.choices(_WORDS, k=3))}:1m:SPY:20261125",
    "an entry of a stream": lambda dice: (
        f"behind {dice.randrange(1_700_000_000_000, 1_800_000_000_000)}-{dice.randrange(9)}"
    ),
    "an incident": lambda dice: f"incident {_text(dice, '0123456789ABCDEFGHJKMNPQRSTVWXYZ', 12)} is over",
    "an error of the system": lambda dice: f"[Errno 111] Connect call failed ('10.{dice.randrange(255)}.0.1', 6379)",
    "a file": lambda dice: (
        f"wrote {dice.choice(_WORDS)}-2026-11-{dice.randrange(10, 30)}T09.{dice.choice(_WORDS)}.parquet"
    ),
    "an order": lambda dice: f"order {dice.getrandbits(60)} filled {dice.randrange(900)} @ {dice.random() * 500:.2f}",
    "words with the names of secrets": lambda dice: dice.choice(
        (
            "unexpected token at line 3",
            "invalid username-password pair",
            "password=None is not allowed",
            "the session has expired",
            "KeyError: 'symbol'",
            "sorted() got key=lambda row: row[0]",
            "no authorization for this feed",
            "token_count is over its limit",
        )
    ),
}


def found(kind, dice):
    """Share of the secrets of a kind that nothing is left of."""
    hidden = 0
    for _ in range(EACH):
        secret = _password(dice) if kind in NAMED and dice.random() < 0.5 else _key(dice)
        secret = BARE[kind](dice) if kind in BARE else secret
        text = redact(NAMED[kind](secret) if kind in NAMED else f"rejected {secret} at once")
        hidden += not any(secret[start : start + 6] in text for start in range(len(secret) - 5))
    return hidden / EACH


def eaten(kind, dice):
    """Share of the ordinary messages of a kind that something is taken out of."""
    return sum(redact(text) != text for text in (ORDINARY[kind](dice) for _ in range(EACH))) / EACH


def table():
    """The rates as a table in Markdown."""
    rows = [("secret", "taken out"), *((kind, found(kind, random.Random(kind))) for kind in NAMED)]
    rows += [(f"{kind}, without a name", found(kind, random.Random(kind))) for kind in BARE]
    rows += [("no secret", "something is taken out"), *((kind, eaten(kind, random.Random(kind))) for kind in ORDINARY)]
    lines = []
    for kind, rate in rows:
        if isinstance(rate, str):
            lines += ["", f"| {kind} | {rate} |", "| --- | ---: |"]
        else:
            lines.append(f"| {kind} | {rate * 100:.4g} % |")
    return "\n".join(lines).strip()


if __name__ == "__main__":
    sys.stdout.write(f"{table()}\n")
