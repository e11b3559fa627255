"""What to install for a module that is missing: a command that works from where otp was installed."""

import json
import shlex
import tomllib
from pathlib import Path

import pytest

from otp.extras import hint, install

ROOT = Path(__file__).parents[1]
METADATA = "Metadata-Version: 2.1\nName: shop\nVersion: 1.0\nProvides-Extra: live\nRequires-Dist: websockets>=17; extra == 'live'\n"


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """An installed distribution with an extra, as pip leaves it; its origin is what pip writes down of it."""
    info = tmp_path / "site" / "shop-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(METADATA)
    monkeypatch.syspath_prepend(str(info.parent))

    def comes_from(origin):
        (info / "direct_url.json").write_text(origin if isinstance(origin, str) else json.dumps(origin))

    return comes_from


def test_an_extra_of_an_index_is_installed_by_name(shop):
    assert install("live", "shop") == "pip install 'shop[live]'"


def test_an_extra_of_an_editable_checkout_is_installed_from_its_folder(shop, tmp_path):
    checkout = tmp_path / "a checkout"
    checkout.mkdir()
    shop({"url": checkout.as_uri(), "dir_info": {"editable": True}})
    assert install("live", "shop") == f"pip install -e '{checkout}[live]'"


def test_an_extra_of_a_folder_or_of_a_wheel_is_installed_from_there_while_it_is_there(shop, tmp_path):
    wheel = tmp_path / "shop-1.0-py3-none-any.whl"
    wheel.touch()
    shop({"url": wheel.as_uri(), "archive_info": {"hashes": {}}})
    assert install("live", "shop") == f"pip install '{wheel}[live]'"
    wheel.unlink()
    assert install("live", "shop") == "pip install 'shop[live]'"


@pytest.mark.parametrize(
    "origin", [{"url": "https://example.org/shop.git", "vcs_info": {"vcs": "git"}}, "no json", "[]", ""]
)
def test_an_origin_that_is_elsewhere_or_cannot_be_read_leaves_the_name(shop, origin):
    shop(origin)
    assert install("live", "shop") == "pip install 'shop[live]'"


def test_a_missing_module_is_looked_for_in_our_extras_and_in_those_of_the_distributions_that_are_named(shop):
    missing = ModuleNotFoundError("No module named textual", name="textual.app")
    assert hint(missing) == install("tui")
    other = ModuleNotFoundError("No module named websockets", name="websockets")
    assert hint(other) == ""
    assert hint(other, "not-installed", "shop") == "pip install 'shop[live]'"


@pytest.mark.parametrize("error", [ImportError("cannot import name"), ModuleNotFoundError("nameless"), ValueError("x")])
def test_other_errors_have_no_hint(error):
    assert hint(error) == ""


def test_the_hint_of_this_checkout_names_its_folder_and_an_extra_that_it_has():
    *options, given = shlex.split(hint(ModuleNotFoundError("No module named trio", name="trio")))
    assert options == ["pip", "install", "-e"]
    folder, _, extra = given.rstrip("]").partition("[")
    assert Path(folder).samefile(ROOT)
    assert extra in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
