"""The pages under docs/ name tests; they exist where the page says."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMED = [
    (page.name, name, target)
    for page in sorted((ROOT / "docs").glob("*.md"))
    for name, target in re.findall(r"\[(test_\w+)]\(\.\./(tests/[^)]+)\)", page.read_text())
]


def test_pages_name_tests():
    assert len({target for _, _, target in NAMED}) > 10


@pytest.mark.parametrize(("page", "name", "target"), NAMED)
def test_a_test_that_a_page_names_exists(page, name, target):
    assert re.search(rf"^(async )?def {name}\(", (ROOT / target).read_text(), re.MULTILINE)


@pytest.mark.parametrize("number", [n for n in range(1, 61) if n not in (10, 20, 29, 33, 46, 57, 58, 59)])
def test_every_rule_that_applies_stands_on_the_page(number):
    text = (ROOT / "docs" / "semantics.md").read_text()
    listed = {n for a, b in re.findall(r"S(\d+)–S(\d+)", text) for n in range(int(a), int(b) + 1)}
    assert number in listed | {int(n) for n in re.findall(r"S(\d+)", text)}
