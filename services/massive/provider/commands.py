"""The provider's faults as lines of text, for a provider in a process of its own."""

import inspect
import shlex
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from websockets.exceptions import ProtocolError

from services.massive.provider.server import Provider

Command = Callable[[Provider, list[str]], Awaitable[None] | None]


async def obey(provider: Provider, line: str) -> str:
    """Do what the line says and return the answer: a line that begins with `ok`, `error`, or JSON for `sent`."""
    try:
        name, *words = shlex.split(line)
        if name == "sent":
            return msgspec.json.encode(provider.sent).decode()
        done = _COMMANDS[name](provider, words)
        if inspect.isawaitable(done):
            await done
    except (KeyError, ValueError, IndexError):
        return f"error: {line.strip()!r} is no command; there are: {HELP}"
    except ProtocolError as error:
        return f"error: {error}; codes that a server sends are 1000 to 1003, 1007 to 1014, 3000 to 4999"
    return f"ok {line.strip()}"


_COMMANDS: Mapping[str, Command] = {
    "close": lambda provider, words: provider.close_all(int(words[0]), " ".join(words[1:])),
    "evict": lambda provider, _: provider.evict_all(),
    "cut-off": lambda provider, _: provider.cut_off_all(),
    "drop": lambda provider, _: provider.drop_all(),
    "silent": lambda provider, _: provider.go_silent(),
    "malformed": lambda provider, _: provider.send_malformed(),
    "oversize": lambda provider, words: provider.send_oversize(int(words[0])),
    "raw": lambda provider, words: provider.send_raw(" ".join(words).encode()),
    "trickle": lambda provider, words: provider.trickle(float(words[0])),
    "refuse-keys": lambda provider, _: provider.refuse_keys(),
    "refuse-connections": lambda provider, _: provider.refuse_connections(),
    "turn-away": lambda provider, words: provider.turn_away(int(words[0]), " ".join(words[1:])),
    "heal": lambda provider, _: provider.heal(),
}

HELP = (
    "close CODE [REASON], evict, cut-off, drop, silent, malformed, oversize BYTES, raw 'FRAME', trickle RATE, "
    "refuse-keys, refuse-connections, turn-away CODE [REASON], heal, sent"
)
