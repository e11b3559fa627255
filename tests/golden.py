"""Documents that are kept beside a test: what is printed now is compared with them.

A document of `"schema": 1` may gain fields; none changes its meaning, and none goes. After a change that is meant,
`GOLDEN=write` in the environment writes the files anew, and refuses where a document has lost something.
"""

import json
import os

__all__ = ("check", "lost")


def check(file, found, *, free=()):
    """Compare what was found with the file.

    Args:
        file: its path.
        found: what was found, as JSON has it.
        free: keys of it that are texts for people, which may change.
    """
    if os.environ.get("GOLDEN") == "write":
        before = json.loads(file.read_text()) if file.exists() else {}
        assert list(lost({key: each for key, each in before.items() if key not in free}, found)) == []
        file.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    recorded = json.loads(file.read_text())
    different = [*lost(recorded, found)] or [*lost(found, recorded)]
    assert not different, f"{file.name} is different at {', '.join(different)}"


def lost(before, now, where="$"):
    """Where a document has lost, or changed, what it had before."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key, value in before.items():
            yield from lost(value, now[key], f"{where}.{key}") if key in now else [f"{where}.{key}"]
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for number, pair in enumerate(zip(before, now, strict=True)):
            yield from lost(*pair, f"{where}[{number}]")
    elif before != now:
        yield where
