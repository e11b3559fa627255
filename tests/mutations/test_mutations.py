"""The mutations can be made: their texts are found, and what they make of them is Python."""

import ast
import builtins
from collections import Counter
from functools import cache

import pytest

from tests.mutations.mutation import CORE
from tests.mutations.mutations import MUTATIONS


@pytest.mark.parametrize("mutation", MUTATIONS, ids=[mutation.name for mutation in MUTATIONS])
def test_a_mutation_applies_and_is_python(mutation):
    source = (CORE / mutation.file).read_text()
    assert source.count(mutation.old) == 1
    assert mutation.new != mutation.old
    mutated = ast.parse(mutation.mutate(source), mutation.file)
    found = [node for node in ast.walk(mutated) if isinstance(node, ast.Name)]
    bound = {name.id for name in found if isinstance(name.ctx, ast.Store)}
    assert not {name.id for name in found} - bound - names(mutation.file) - set(dir(builtins)), (
        "found by a name that is not there, not by a test"
    )


@cache
def names(file):
    """All names in a module of the core: defined, imported, used."""
    tree = ast.walk(ast.parse((CORE / file).read_text()))
    return {getattr(node, field) for node in tree for field in ("id", "name", "arg") if hasattr(node, field)}


def test_there_are_enough_of_them():
    assert len(MUTATIONS) >= 45


def test_each_has_a_name_of_its_own():
    assert [name for name, times in Counter(mutation.name for mutation in MUTATIONS).items() if times > 1] == []


def test_no_two_do_the_same():
    assert len({(mutation.file, mutation.old, mutation.new) for mutation in MUTATIONS}) == len(MUTATIONS)


def test_they_are_spread_over_the_whole_machine():
    names = ("child", "intensity", "machine", "paths", "plan", "requests", "roster", "strategy")
    by_policy = ("backoff", "classify", "maintenance", "recovery")
    assert {mutation.file for mutation in MUTATIONS} >= {f"{name}.py" for name in (*names, *by_policy)}
