"""`module:name` to a tree. The modules stand beside this file."""

import pathlib

import pytest

from otp.errors import LoadError
from otp.extras import install
from otp.loading import load

HERE = pathlib.Path(__file__).parent


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))


def refusal(target, config=None):
    with pytest.raises(LoadError) as caught:
        load(target, config)
    return str(caught.value)


def test_a_spec_is_a_tree():
    assert load("shop:spec").id == "shop"


def test_a_function_of_nothing_builds_a_tree():
    assert load("shop:tree") is load("shop:spec")


@pytest.mark.parametrize(
    ("name", "text"), [("c.json", '{"name": "a", "tills": 3}'), ("c.toml", 'name = "a"\ntills = 3')]
)
def test_a_function_of_a_config_gets_it_from_a_file(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert [child.id for child in load("shop:tree_of", tmp_path / name).children] == ["till0", "till1", "till2"]


def test_a_config_with_a_default_may_be_left_out_or_given(tmp_path):
    (tmp_path / "c.json").write_text('{"name": "given"}')
    assert load("shop:maybe").id == "default"
    assert load("shop:maybe", tmp_path / "c.json").id == "given"


@pytest.mark.parametrize(
    "target", ["shop", "shop.py", "./shop.py", "shop:", ":tree", "", "shop:a.b", "shop:tree()", "sh op:x"]
)
def test_what_is_no_module_and_name_is_told_how_to_be_one(target):
    assert refusal(target).startswith(f"expected module:name, got {target!r}; write for example ")


def test_a_file_is_told_its_module():
    assert "trees.massive:tree" in refusal("trees/massive.py:tree")


def test_a_module_that_is_not_there_is_told_from_one_that_cannot_import():
    assert refusal("no_such:tree").startswith("no module 'no_such' here")
    assert refusal("shop.sub:tree").startswith("no module 'shop.sub' here")
    inside = refusal("broken:tree")
    assert inside == "importing broken failed: ModuleNotFoundError: No module named 'no_such_module_at_all'"


def test_a_missing_extra_is_named(tmp_path, monkeypatch):
    (tmp_path / "needs_apprise.py").write_text(
        "raise ModuleNotFoundError('No module named apprise', name='apprise.plugins')"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert refusal("needs_apprise:tree").endswith(f"; {install('alerts')}")


def test_a_module_that_raises_is_said_to(tmp_path, monkeypatch):
    (tmp_path / "raising_module.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert refusal("raising_module:tree") == "importing raising_module failed: ZeroDivisionError: division by zero"


def test_a_name_that_is_nearly_right_is_offered():
    assert refusal("shop:tre") == "module shop has no 'tre'; did you mean shop:tree?"


def test_a_name_that_is_far_off_gets_the_trees_of_the_module():
    said = refusal("shop:zzzzzz")
    assert "shop:spec" in said
    assert "shop:tree_of" in said
    assert "shop:work" not in said


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lonely", "it is a worker; write supervisor(id, children=[worker('lonely', …)])"),
        ("awaited", "expected a plain function, got one that returns a coroutine; write def, without await or yield"),
        ("Config", "expected a supervisor's spec, got the class Config;"),
        ("math", "expected a supervisor's spec, got a module;"),
    ],
)
def test_what_is_not_a_tree_is_said_to_be_none(name, expected):
    said = refusal(f"shop:{name}")
    assert said.startswith(f"shop:{name} is not a tree")
    assert expected in said


def test_what_is_not_a_tree_is_not_shown_as_it_may_hold_secrets(tmp_path, monkeypatch):
    (tmp_path / "indiscreet.py").write_text("import otp\nspec = otp.worker('a', print, 'sesame')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "sesame" not in refusal("indiscreet:spec")


def test_a_function_that_raises_is_quoted_and_is_the_cause():
    with pytest.raises(LoadError, match="shop:raising raised LookupError: no shop today") as caught:
        load("shop:raising")
    assert isinstance(caught.value.__cause__, LookupError)


def test_a_spec_error_is_passed_on_in_full():
    assert refusal("shop:wrong") == (
        "shop:wrong is no tree that can run: two children of supervisor 'shop' have the id 'lonely'; give each its own"
    )


def test_a_config_that_is_needed_is_asked_for():
    assert refusal("shop:tree_of") == "shop:tree_of needs a config of type Config; give it with --config FILE"


@pytest.mark.parametrize("name", ["spec", "tree"])
def test_a_config_that_nobody_takes_is_sent_back(name):
    assert "takes no config" in refusal(f"shop:{name}", "c.json")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("untyped", "parameter config of shop:untyped has no type"),
        ("greedy", "shop:greedy takes config, more; expected no argument, or one config"),
        ("by_name", "shop:by_name takes config; expected no argument, or one config"),
    ],
)
def test_a_function_that_takes_something_else_is_told_what_to_take(name, expected):
    assert refusal(f"shop:{name}", "c.json").startswith(expected)


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("c.json", '{"name": 7}', "Expected `str`, got `int` - at `$.name`"),
        ("c.json", '{"nome": "a"}', "unknown field `nome`"),
        ("c.json", "{", "Input data was truncated"),
        ("c.toml", "name = ", "Invalid value"),
        ("c.yaml", "name: a", "expected a .json or .toml file"),
    ],
)
def test_a_config_that_does_not_fit_is_told_why(tmp_path, file, text, expected):
    (tmp_path / file).write_text(text)
    said = refusal("shop:tree_of", tmp_path / file)
    assert said.startswith(f"config {tmp_path / file}")
    assert expected in said


def test_a_config_that_is_not_there_is_said_to_be_missing(tmp_path):
    assert refusal("shop:tree_of", tmp_path / "c.json").endswith("cannot be read: No such file or directory")
