"""The modules of a project: which they are, who imports whom, and what is left of a load that failed."""

import sys
from pathlib import Path

import pytest

import otp.spec
from otp.application.modules import import_root, in_load_order, loaded_anew, project_modules
from tests.application.project import opened


@pytest.fixture
def project(tmp_path, monkeypatch):
    yield from opened(tmp_path, monkeypatch)


def load(project, *names):
    for name in names:
        __import__(name)
    return project_modules([project.folder])


def test_the_modules_of_a_project_are_those_under_its_folders_and_nobody_elses(project):
    for folder in ("site-packages", ".venv"):
        (project.folder / folder).mkdir()
    (project.folder / "site-packages" / "bought.py").write_text("")
    sys.path.insert(0, str(project.folder / "site-packages"))
    project.write(a="import json, anyio, bought", pkg__b="import a")
    try:
        modules = load(project, "pkg.b")
    finally:
        del sys.path[0], sys.modules["bought"]
    assert modules == {"a": project.folder / "a.py", "pkg.b": project.folder / "pkg" / "b.py"}


def test_otp_itself_is_nobodys_project():
    assert not [name for name in project_modules([Path(otp.__file__).parents[1]]) if name.partition(".")[0] == "otp"]


def test_the_folder_that_a_module_was_found_from(project):
    project.init("pkg")
    project.write(a="", pkg__b="")
    load(project, "a", "pkg.b")
    assert {import_root(name) for name in ("a", "pkg", "pkg.b")} == {project.folder}
    assert import_root("sys") is None
    assert import_root("no_such_module") is None


def test_what_is_imported_comes_before_those_that_import_it(project):
    project.write(low="", mid="import low", top="import mid", other="")
    modules = load(project, "other", "top")
    assert in_load_order(["low"], modules) == ["low", "mid", "top"]
    assert in_load_order(["mid"], modules) == ["mid", "top"]
    assert in_load_order(["other"], modules) == ["other"]


@pytest.mark.parametrize(
    "source",
    [
        "import pkg.low",
        "import pkg.low as alias",
        "from pkg import low",
        "from pkg.low import NUMBER",
        "from pkg.low import *",
        "from . import low",
        "from .low import NUMBER",
        "try:\n    from .low import NUMBER\nexcept ImportError:\n    pass",
        "def late():\n    from .low import NUMBER",
        "async def late():\n    from .low import NUMBER",
        "class C:\n    from .low import NUMBER",
        "import typing\nif not typing.TYPE_CHECKING:\n    from .low import NUMBER",
        "import typing\nif typing.TYPE_CHECKING:\n    pass\nelse:\n    from .low import NUMBER",
    ],
)
def test_an_import_is_seen_however_it_is_written(project, source):
    project.init("pkg")
    project.write(pkg__low="NUMBER = 1", pkg__top=source)
    assert in_load_order(["pkg.low"], load(project, "pkg.low", "pkg.top")) == ["pkg.low", "pkg.top"]


@pytest.mark.parametrize(
    "source",
    [
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pkg import low",
        "import typing\nif typing.TYPE_CHECKING:\n    import pkg.low",
        "from pkg import other",
    ],
)
def test_what_never_runs_or_is_somebody_else_is_no_import(project, source):
    project.init("pkg")
    project.write(pkg__low="", pkg__other="", pkg__top=source)
    assert in_load_order(["pkg.low"], load(project, "pkg.low", "pkg.top")) == ["pkg.low"]


def test_a_package_that_hands_on_what_its_modules_have_is_loaded_between_them_and_those_that_use_it(project):
    project.init("pkg", "from pkg.low import NUMBER")
    project.write(pkg__low="NUMBER = 1", top="from pkg import NUMBER")
    assert in_load_order(["pkg.low"], load(project, "top")) == ["pkg.low", "pkg", "top"]


def test_a_sub_package_reaches_up(project):
    project.init("pkg")
    (project.folder / "pkg" / "sub").mkdir()
    project.write(pkg__low="NUMBER = 1", pkg__sub__top="from ..low import NUMBER")
    assert in_load_order(["pkg.low"], load(project, "pkg.sub.top")) == ["pkg.low", "pkg.sub.top"]


def test_an_import_in_a_function_does_not_say_who_comes_first(project):
    project.write(a="import b\nVALUE = b.VALUE", b="VALUE = 1\ndef late():\n    import a")
    modules = load(project, "b", "a")
    assert in_load_order(["b"], modules) == ["b", "a"]
    assert in_load_order(["a"], modules) == ["b", "a"]


def test_modules_that_import_each_other_are_loaded_once_each(project):
    project.write(a="import b", b="import a", c="import a")
    assert sorted(in_load_order(["b"], load(project, "c"))) == ["a", "b", "c"]


def test_a_package_still_has_its_modules_when_it_has_been_loaded_anew(project):
    project.init("pkg", "VALUE = 1")
    project.write(pkg__low="NUMBER = 1")
    load(project, "pkg.low")
    project.init("pkg", "VALUE = 2")
    with loaded_anew(["pkg"], [project.folder]):
        pass
    pkg = sys.modules["pkg"]
    assert (pkg.VALUE, pkg.low.NUMBER) == (2, 1)


def test_a_name_that_is_gone_is_missed_while_loading_and_kept_for_the_code_of_before(project):
    project.write(a="OLD = 1\nBOTH = 1")
    load(project, "a")
    a = sys.modules["a"]
    project.write(a="NEW = 2\nBOTH = 2")
    with loaded_anew(["a"], [project.folder]):
        assert not hasattr(a, "OLD")
    assert (a.OLD, a.NEW, a.BOTH) == (1, 2, 2)


@pytest.mark.parametrize("broken", ["b", "the block"])
def test_when_something_fails_all_modules_are_as_they_were(project, broken):
    project.write(a="VALUE = 1", b="import a\nVALUE = a.VALUE")
    load(project, "b")
    project.write(
        extra="", a="import extra\nVALUE = 2\nNEW = 2", b="import a\nVALUE = a.VALUE\n" + "boom" * (broken == "b")
    )
    with pytest.raises((NameError, LookupError)), loaded_anew(["a", "b"], [project.folder]):
        assert sys.modules["b"].VALUE == 2
        raise LookupError
    a, b = sys.modules["a"], sys.modules["b"]
    assert (a.VALUE, b.VALUE, b.a, hasattr(a, "NEW"), "extra" in sys.modules) == (1, 1, a, False, False)
