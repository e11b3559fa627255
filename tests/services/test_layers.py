"""Services know nothing of the trees above them, but for the programs that put both together: the entry modules."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "services").rglob("*.py"))
EVERYWHERE = sorted(file for folder in ("otp", "services", "trees") for file in (ROOT / folder).rglob("*.py"))
ENTRIES = {file for file in FILES if file.name == "supervised_main.py" or "demo" in file.parts}


def name_of(file):
    return ".".join(file.relative_to(ROOT).with_suffix("").parts)


def imported(tree):
    """The modules that a file imports, and the names that it imports from them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def names_in_strings(tree):
    """What stands in strings and could be handed to `import_module` or `otp.loading`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value.partition(":")[0]


def upward(text):
    """The trees that a program names."""
    tree = ast.parse(text)
    names = [*imported(tree), *names_in_strings(tree)]
    return sorted({name for name in names if name == "trees" or name.startswith(("trees.", "trees/"))})


@pytest.mark.parametrize("file", [file for file in FILES if file not in ENTRIES], ids=name_of)
def test_a_module_of_a_service_names_no_tree_as_an_import_or_in_a_string(file):
    assert upward(file.read_text()) == []


def test_each_way_of_naming_a_tree_is_found():
    assert upward("import trees.massive") == ["trees.massive"]
    assert upward("from trees import massive") == ["trees", "trees.massive"]
    assert upward("def tree():\n    from trees.massive import tree") == ["trees.massive", "trees.massive.tree"]
    assert upward("load('trees.massive:tree')") == ["trees.massive"]


def test_each_service_has_an_entry_module_and_that_is_where_its_tree_is_named():
    services = {file.parent.name for file in ENTRIES if file.name == "supervised_main.py"}
    assert services == {"execution", "intel", "marketswarm", "massive", "sentiment"}
    for service in services:
        text = (ROOT / "services" / service / "supervised_main.py").read_text()
        assert upward(text) == [f"trees.{service}", f"trees.{service}.tree"]


@pytest.mark.parametrize("file", [file for file in EVERYWHERE if file not in ENTRIES], ids=name_of)
def test_nothing_but_a_demo_imports_an_entry_module(file):
    entries = {name_of(entry).removesuffix(".__init__") for entry in ENTRIES}
    assert entries.isdisjoint(imported(ast.parse(file.read_text())))


@pytest.mark.parametrize("service", ["execution", "intel", "massive", "sentiment"])
def test_a_main_without_a_supervisor_imports_neither_otp_nor_a_tree(service):
    code = f"import sys, services.{service}.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {name.partition(".")[0] for name in done.stdout.split()}.isdisjoint({"otp", "trees"})
