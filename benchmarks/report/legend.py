"""What a restart is to each system of a table, and what else is different: what its figures cannot tell."""

from collections.abc import Iterable, Sequence

from benchmarks.rig.catalog import NOTES
from benchmarks.rig.system import Kind


def legend(systems: Iterable[tuple[str, str]]) -> list[tuple[Kind, list[str]]]:
    """By kind, the lines about its systems: those that have no note share the first. Nothing where all are ours or floors.

    Args:
        systems: name and kind of each, as often as they are in the table.
    """
    kinds = {name: Kind(kind) for name, kind in systems if name}
    if not kinds.keys() & NOTES.keys():
        return []
    return [
        (kind, _lines([name for name, of in kinds.items() if of == kind])) for kind in Kind if kind in kinds.values()
    ]


def _lines(names: Sequence[str]) -> list[str]:
    plain = [name for name in names if not NOTES.get(name)]
    noted = [f"{name}: {NOTES[name]}" for name in names if NOTES.get(name)]
    return ["; ".join(plain), *noted] if plain else noted
