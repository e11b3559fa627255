"""Taking secrets out of text that others will read.

It stands here and not with the log, since `describe` calls it: there an exception becomes a `Crash`, once for all who
read events, so that no event carries the secret and no sink can forget to look.

    redis://bob:hunter2@host/0?db=1         redis://[redacted]@host/0?db=[redacted]
    api_key=abc, 'token': 'x y'             api_key=[redacted] 'token': [redacted]
    ['x', '--password', 'abc']              ['x', '--password', [redacted]]
    auth=('bob', 'abc'), <pin>abc</pin>     auth=[redacted] <pin>abc</pin>
    {"action":"auth","params":"abc"}        {"action":"auth","params":[redacted]}
    Authorization: Bearer abc               Authorization: [redacted]
    AKIAIOSFODNN7EXAMPLE, a long hash       [redacted]

Where the end of a secret cannot be told for certain, more is taken. What looks like a word is left: a password of plain
words in running prose ("password hunter two") cannot be told from the prose. How often it is right is in
docs/operating.md, and tests/text/test_redaction.py measures it.

It costs the same for each character, whatever they are: no expression here tries one character in two ways, but for a
bounded number of them.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from otp.text.printable import printable
from otp.text.randomness import SHORTEST, is_random

MARK = "[redacted]"
"""Stands where something was taken out."""


def clean(text: str) -> str:
    """`text` on one line, without control characters and without what looks like a secret."""
    return redact(printable(text))


@lru_cache(maxsize=2_048)  # a crash has the same few frames each time
def clean_name(name: str) -> str:
    """The name of a type, a task or a place in the code on one line, without named secrets.

    Random words stay: a folder may be called by a hash.
    """
    return _without_shapes(printable(name))


def redact(text: str) -> str:
    """`text` without what looks like a secret. Doing it twice changes nothing more."""
    return _LONG.sub(_long, _without_shapes(text))


def _without_shapes(text: str) -> str:
    """Without what is known by its name or by its looks; random words stay."""
    lower = text.lower()
    if _LONG_WORD.search(text) or "eyJ" in text or "-----BEGIN " in text:
        text = _KNOWN.sub(MARK, text)
    if "://" in text:
        text = _URL.sub(lambda found: _url(found[0]), text)
    if "@" in text:
        text = _USERINFO.sub(f"{MARK}@", text)
    if any(hint in lower for hint in _HINTS) or lower.count("key") > lower.count("keyerror"):
        text = _without_named(text)
    if any(scheme in lower for scheme in _SCHEMES):
        text = _BASIC.sub(_value, _BEARER.sub(_value, text))
    return text


# ------------------------------------------------------------------------------------------------ by their looks

_KNOWN = re.compile(
    r"(?<![\w-])eyJ[\w-]++\.[\w-]++(?:\.[\w-]*+)?"  # a JSON Web Token
    r"|\b(?:sk|pk|rk)[-_][\w-]{12,}+|\b(?:gh[opsur]|github_pat|glpat|xox[a-z]|hf|npm|pypi)[-_][\w-]{12,}+"
    r"|\b(?:AKIA|ASIA|AIza)[\w-]{12,}+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
)
_LONG_WORD = re.compile(r"[\w+/=~-]{14}")

_URL = re.compile(r"(?<=://)\S++")
_USERINFO = re.compile(r"""(?<![^\s"'(\[{<,;=])[^\s:@/"'(\[{<,;=]{1,64}+:[^\s@/]{1,128}+@(?=[\w\[])""")

_BEARER = re.compile(r"(?P<key>\b[Bb](?:earer|EARER))(?P<sep>\s{1,8}+)[^\s,;\"']{6,}+")
_BASIC = re.compile(r"(?P<key>\b[Bb](?:asic|ASIC))(?P<sep>\s{1,8}+)(?=[a-z+/]*+[A-Z0-9=])[A-Za-z0-9+/]{6,}+={0,2}")
_SCHEMES = ("bearer", "basic")


def _value(found: re.Match[str]) -> str:
    return f"{found['key']}{found['sep']}{MARK}"


def _url(rest: str) -> str:
    """What stands behind `://`. All up to the last `@` may be the password, for nobody need have quoted it."""
    userinfo, at, place = rest.rpartition("@")
    place, query, pairs = place.partition("?")
    place, fragment, _ = place.partition("#")
    if userinfo or at:
        place = f"{MARK}@{place}"
    if query:
        return f"{place}?{'&'.join(map(_pair, pairs.split('&')))}"
    return f"{place}#{MARK}" if fragment else place


def _pair(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    return f"{name}={MARK}" if equals else MARK


_LONG = re.compile(rf"[A-Za-z0-9_+/=~-]{{{SHORTEST},}}+")
_PATH = re.compile(r"/{1,3}+(?:[\w~-]++/)+[\w~-]*+")
"""From the root on. In a folder for what is temporary there is much chance, but not in one of its names alone."""

_PART = re.compile(rf"[^/=]{{{SHORTEST},}}+")


def _long(found: re.Match[str]) -> str:
    """A long word without what is random in it: all of it, or a part between slashes where it may be a path."""
    word = found[0]
    if not word.startswith("/") and found.string[found.start() - 1 : found.start()] not in _OF_A_PATH:
        word = _rest(found)
    parts = _PART.sub(lambda part: MARK if is_random(part[0]) else part[0], word)
    return parts if _PATH.fullmatch(word) else _LONG.sub(_rest, parts)


def _rest(found: re.Match[str]) -> str:
    return MARK if is_random(found[0], share=_WHOLE) else found[0]


_OF_A_PATH = tuple("./:@")
"""What stands before a word that goes on a path or a URL."""

_WHOLE = 0.35
"""Signs of chance for each letter of a word with slashes in it: a path has more of them than a name."""


# ------------------------------------------------------------------------------------------------ by their names

# Most messages hold nothing of the kind, and a crash should not wait for expressions to find that out.
_HINTS = (
    "pass",
    "pwd",
    "pw",
    "secret",
    "token",
    "credential",
    "session",
    "signature",
    "code",
    "dsn",
    "auth",
    "cookie",
)

_HEADERS = r"(?:proxy[-_]?)?authorization|(?:set[-_]?)?cookie"
_NAMES = (
    r"pass(?:word|wd|phrase|code)|secret|token|credentials?|(?<![a-z])(?:pwd|dsn)|(?-i:Pwd|PWD|Dsn|DSN)|"
    r"(?:api|access|private|signing|encryption|secret|auth|account)[-_ ]?key|apikey|"
    r"session[-_]?id|signature|otp[-_]?code|_auth\b|\bauth\b"
)
_KEY = re.compile(
    rf"(?i)(?=[acdekopst_])(?:(?P<header>\b(?:{_HEADERS})\b)|(?P<name>{_NAMES})(?P<tail>[\w-]{{0,40}}+)"
    r"|(?<![a-z0-9])(?P<short>key|pass|pw)(?![\w-]))"
)

_QUOTE = r"""\\{0,8}+["']"""
_QUOTED = (
    r"""(?:\[redacted\]|[bruBRU]{0,2}+\\*+"(?:[^"\\]|\\(?!"(?:[\s,}\])]|$))[\s\S])*+(?:\\*+"|\\?$)"""
    r"""|[bruBRU]{0,2}+\\*+'(?:[^'\\]|\\(?!'(?:[\s,}\])]|$))[\s\S])*+(?:\\*+'|\\?$))"""
)
_SEPARATOR = re.compile(
    rf"(?P<beside>{_QUOTE}\s{{0,8}}+,\s{{0,8}}+{_QUOTE}(?:value|params|data){_QUOTE}\s{{0,8}}+:\s{{0,8}}+)"
    r"|(?P<assigned>[\\\"'\])]{0,9}+\s{0,8}+(?:=>|:=|={1,3}+|:|%(?:25)?3[AaDd])\s{0,8}+)"
    rf"|(?P<listed>{_QUOTE}\s{{0,8}}+,\s{{0,8}}+)"
    rf"|(?P<attribute>{_QUOTE}\s{{1,8}}+(?i:value)\s{{0,8}}+=\s{{0,8}}+)"
    r"|(?P<blank>\s{1,8}+)"
)
_PARAMS = re.compile(
    rf"(?P<key>\bparams{_QUOTE})(?P<sep>\s{{0,8}}+:\s{{0,8}}+){_QUOTED}"
    rf"(?=\s{{0,8}}+,\s{{0,8}}+{_QUOTE}action{_QUOTE}\s{{0,8}}+:\s{{0,8}}+{_QUOTE}auth)"
)
"""What massive is told to let us in, its words in another order."""

_STRING = re.compile(_QUOTED)
_BARE = re.compile(r"\S++")
_LINE = re.compile(r"[^\r\n]++")
_PHRASE = re.compile(r"""\S++(?:(?<![,;.)\]}])[ \t][^\r\n,;)\]}"']{0,200}+)?+""")
_CONTENT = re.compile(r"(?:\s[^<>]{0,100}+)?+>(?P<content>[^<]++)")
_BRACKET = re.compile(r"[()\[\]{}]")

_NOTHING = re.compile(r"(?:None|null|nil|[Tt]rue|[Ff]alse|\"\"|'')(?![\w-])")
_NO_KEY = re.compile(
    r"lambda\b|[\"']?[a-z_]{1,16}(?![\w:./-])|[A-Z]{1,5}(?![\w-])|[a-z_]+[.:/][\w.:*/-]+|\d{1,9}(?![\w-])"
)
"""What `key=` stands in front of that opens nothing: a function, a word, a symbol, a key of Redis, a number."""

_PASSWORD = re.compile(r"(?i)pass|pwd")
_PROSE = re.compile(r"(?i)token|signature|dsn|_?auth\b")
"""Names with something quoted behind them that is no secret: unexpected token '<'."""

_OPTION = re.compile(r"(?<![\w-])--[\w-]*+$")
_ELEMENT = re.compile(r"<[\w:.-]*+$")
_BEFORE = 48
"""Characters before a name that are looked at for what it is the end of."""


def _without_named(text: str) -> str:
    """Without the values of names such as `password`."""
    if "params" in text:
        text = _PARAMS.sub(_value, text)
    closings = _Closings(text)
    pieces: list[str] = []
    done = at = 0
    while (key := _KEY.search(text, at)) is not None:
        at = key.end()
        start, end = _secret(text, key, closings)
        if end > start:
            pieces += (text[done:start], MARK)
            done = at = end
    return "".join(pieces) + text[done:]


_NONE = 0, 0


def _secret(text: str, key: re.Match[str], closings: "_Closings") -> tuple[int, int]:
    """Where the value of a name begins and ends."""
    before = text[max(0, key.start() - _BEFORE) : key.start()]
    if _ELEMENT.search(before):
        content = _CONTENT.match(text, key.end())
        return content.span("content") if content else _NONE
    separator = _SEPARATOR.match(text, key.end())
    if separator is None or _NOTHING.match(text, separator.end()):
        return _NONE
    is_option = _OPTION.search(before) is not None
    if key["short"] and not is_option and not _opens(key["short"].lower(), separator, text):
        return _NONE
    string = _STRING.match(text, separator.end())
    match separator.lastgroup:
        case "listed":
            return string.span() if string else _NONE
        case "blank":
            named = string is not None and not key["short"] and not key["tail"] and not _PROSE.match(key[0])
            if not named and not is_option:
                return _NONE
        case _:
            pass
    return string.span() if string else _bare(text, key, separator, closings)


def _opens(name: str, separator: re.Match[str], text: str) -> bool:
    """Whether what stands behind `key`, `pass` or `pw` is a secret: these are words for other things too."""
    if name == "key":
        return (
            separator.lastgroup == "assigned" and ":" not in separator[0] and not _NO_KEY.match(text, separator.end())
        )
    return separator.lastgroup != "blank" and (name == "pw" or separator[0].strip() != ":")


def _bare(text: str, key: re.Match[str], separator: re.Match[str], closings: "_Closings") -> tuple[int, int]:
    """Where a value without quotes begins and ends."""
    start = separator.end()
    shape = _BARE
    if key["header"]:
        shape = _LINE
    elif separator[0].strip() == ":" and _PASSWORD.match(key[0]):
        shape = _PHRASE  # more than one word, as people say it to each other
    found = shape.match(text, start)
    return (start, closings.behind(start, found.end())) if found else _NONE


class _Closings:
    """Where the brackets of a text are closed; looked up once, when it is first needed."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._closing: dict[int, int] | None = None

    def behind(self, start: int, end: int) -> int:
        """Where a value ends that is at least so long: a bracket that it opens is closed in it."""
        for bracket in _BRACKET.finditer(self._text, start, end):
            end = max(end, self._closed(bracket.start()))
        return end

    def _closed(self, at: int) -> int:
        if self._closing is None:
            self._closing = dict(self._pairs())
        return self._closing.get(at, 0)

    def _pairs(self) -> Iterator[tuple[int, int]]:
        opened: list[tuple[str, int]] = []
        for bracket in _BRACKET.finditer(self._text):
            if bracket[0] in "([{":
                opened.append((bracket[0], bracket.start()))
            elif opened and opened[-1][0] + bracket[0] in ("()", "[]", "{}"):
                yield opened.pop()[1], bracket.end()
