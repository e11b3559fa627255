"""The page of the architecture is true: its links lead somewhere, its floors are the linter's, its threads the source's."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

import otp
from otp import policy
from otp.core.child import ChildState

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINKS = [
    (page.relative_to(ROOT), target)
    for page in PAGES
    for target in dict.fromkeys(re.findall(r"\]\(([^)\s]+)\)", page.read_text()))
    if "://" not in target
]
CODE = sorted((ROOT / "otp").rglob("*.py"))


def section(title, page=PAGE):
    """What stands under a heading of the second level."""
    (found,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", page.read_text(), re.MULTILINE | re.DOTALL)
    return found


# ---------------------------------------------------------------------------------------------------- links


def names(path):
    """What a module defines: functions, classes, their methods, and what is assigned at its top."""
    return set(_names(ast.parse(path.read_text()).body, ""))


def _names(body, above) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield above + node.name
        if isinstance(node, ast.ClassDef):
            yield from _names(node.body, f"{node.name}.")
        for target in getattr(node, "targets", [getattr(node, "target", None)]):
            if isinstance(target, ast.Name):
                yield above + target.id


def headings(path):
    """The anchors of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize(("page", "target"), LINKS, ids=str)
def test_every_link_leads_somewhere(page, target):
    file, _, name = unquote(target).partition("#")
    path = (ROOT / page.parent / file).resolve() if file else ROOT / page
    assert path.exists(), f"{page} links {target}, which is not there"
    if name:
        known = names(path) if path.suffix == ".py" else headings(path)
        assert name in known, f"{page} links {target}, but {file} has no {name}"


def test_a_name_that_is_not_there_would_be_found():
    assert "SupervisorMachine.handle" in names(ROOT / "otp/core/machine.py")
    assert "SECTIONS" in names(ROOT / "otp/cli/sections.py")
    assert "SupervisorMachine.handles" not in names(ROOT / "otp/core/machine.py")


def test_the_ten_questions_are_answered_with_a_function():
    answers = re.findall(r"^\| \d+ \|.*$", section("Ten questions"), re.MULTILINE)
    assert len(answers) == 10
    for answer in answers:
        assert re.search(r"\.py#\w|#the-threads", answer), f"no function is linked by {answer}"


# ---------------------------------------------------------------------------------------------------- floors, modules, threads


def contract():
    """The floors as the import linter holds them, the highest first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (floors,) = (one for one in contracts if one["type"] == "layers" and one.get("containers") == ["otp"])
    return [{name.strip() for name in re.split(r"[|:]", layer)} for layer in floors["layers"]]


def test_the_floors_are_those_that_the_import_linter_holds():
    rows = re.findall(r"^\| \d+ \| ([^|]+) \|", section("The floors"), re.MULTILINE)
    assert [set(re.findall(r"\[`(\w+)`]", row)) for row in rows] == contract()


def test_every_module_is_on_the_page_or_in_a_folder_that_is():
    linked = {
        (PAGE.parent / unquote(target).partition("#")[0]).resolve() for page, target in LINKS if page.name == PAGE.name
    }
    linked -= {ROOT / "otp"}
    missing = [path for path in CODE if linked.isdisjoint((path, *path.parents)) and path.parent != ROOT / "otp"]
    missing += [path for path in CODE if path.parent == ROOT / "otp" and path not in linked]
    assert not [str(path.relative_to(ROOT)) for path in missing]


def begun_threads():
    """Each place where a thread is begun: where, and what is known of its name by reading."""
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text())):
            called = ast.unparse(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""
            if called == "Thread":
                (named,) = [word.value for word in node.keywords if word.arg == "name"] or [None]
            elif called == "DaemonExecutor":
                named = node.args[0]
            else:
                continue
            yield path.relative_to(ROOT), named


def beginning(name):
    """Of a name that is put together, what is written down."""
    first = name.values[0] if isinstance(name, ast.JoinedStr) else name
    return first.value if isinstance(first, ast.Constant) else None


def test_every_thread_of_ours_has_a_name_and_is_on_the_page():
    page, found = section("The threads"), []
    for path, name in begun_threads():
        assert name is not None, f"{path} begins a thread without a name"
        if beginning(name) is None:
            assert path.name == "daemon_executor.py", f"{path}: the name of a thread is not to be read there"
            continue
        found.append(beginning(name))
        assert f"`{beginning(name)}" in page, f"{path} begins {beginning(name)}, of which the page knows nothing"
    assert {"otp-control", "otp-watchman", "otp-loop-watch", "otp-health"} <= set(found)


# ---------------------------------------------------------------------------------------------------- words


@pytest.mark.parametrize(
    "name", [*otp.__all__, *policy.__all__, *(f"{state}" for state in ChildState)], ids=lambda name: name
)
def test_the_glossary_has_every_public_name_and_state(name):
    assert re.search(rf"`{name}\W", section("Glossary")), f"{name} is not in the glossary of docs/architecture.md"


def test_the_legend_has_every_kind_of_number_that_the_source_uses():
    legend = section("S, D, E, C, G: the numbers")
    used = {found[0] for path in CODE for found in re.findall(r"\b[A-Z]\d{1,2}\b", path.read_text())}
    for kind in used & set("SDECG"):
        assert f"| {kind} |" in legend


def test_every_decision_is_in_the_index_and_has_its_three_parts():
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text()
    records = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    assert len(records) >= 9
    for record in records:
        assert f"]({record.name})" in index
        assert re.findall(r"^## (.*)$", record.read_text(), re.MULTILINE) == ["Context", "Decision", "Consequences"]
