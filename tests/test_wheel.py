"""The wheel, built and installed outside of the checkout: it holds otp alone, and a tree runs there."""

import os
import re
import signal
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from otp.extras import DISTRIBUTION

ROOT = Path(__file__).parents[1]
SHOP = """
import anyio

from otp import supervisor, worker


async def serve():
    print("serving", flush=True)
    await anyio.sleep_forever()


def tree():
    return supervisor("shop", children=[worker("till", serve)])
"""
CLEAN = {name: text for name, text in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}


def pip(*words):
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *words],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The interpreter of an environment that holds the wheel and what it requires, and nothing else."""
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, with_pip=False, symlinks=True)
    python = place / "bin" / "python"
    pip("--python", str(python), "install", str(wheel))
    return python


def top_level(wheel):
    return {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}


def test_the_wheel_holds_otp_and_nothing_else(wheel):
    name, version = wheel.name.split("-")[:2]
    assert name == DISTRIBUTION.replace("-", "_")
    assert top_level(wheel) == {"otp", f"{name}-{version}.dist-info"}
    modules = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("otp/")}
    assert {"otp/py.typed", "otp/core/machine.py", "otp/tui/app.py"} <= modules
    assert not [name for name in modules if "test_" in name or name.endswith(".pyc")]


def test_the_wheel_names_no_address_and_only_what_was_run(wheel):
    package = zipfile.ZipFile(wheel)
    (metadata,) = (name for name in package.namelist() if name.endswith(".dist-info/METADATA"))
    head = package.read(metadata).decode().partition("\n\n")[0]
    assert not re.search(r"^(Project-URL|Home-page|Download-URL):", head, re.MULTILINE)
    assert set(
        re.findall(r"^Classifier: (Operating System|Programming Language :: Python) :: (.*)", head, re.MULTILINE)
    ) == {
        ("Operating System", "POSIX :: Linux"),
        ("Programming Language :: Python", "3"),
        ("Programming Language :: Python", "3.11"),
    }
    assert "Provides-Extra: services" not in head
    (entries,) = (name for name in package.namelist() if name.endswith("/entry_points.txt"))
    assert "otp.commands" not in package.read(entries).decode()


@pytest.mark.timeout(180)
def test_in_an_environment_of_its_own_a_tree_runs_and_neither_services_nor_trees_are_there(python, tmp_path):
    (tmp_path / "shop.py").write_text(SHOP)
    env = CLEAN | {"XDG_RUNTIME_DIR": str(tmp_path)}

    def run(*words):
        return subprocess.run(
            [python, *words], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=30, check=False
        )

    found = run("-c", "import importlib.util as u; print([bool(u.find_spec(n)) for n in ('otp', 'services', 'trees')])")
    assert found.stdout == "[True, False, False]\n", found.stderr
    with subprocess.Popen(
        [python, "-m", "otp", "run", "shop:tree"], cwd=tmp_path, env=env, stdout=subprocess.PIPE
    ) as tree:
        try:
            assert tree.stdout.readline() == b"serving\n"
            listed = run("-m", "otp", "ps", "-o", "name")
            assert (listed.returncode, listed.stdout) == (0, "shop/till\n"), listed.stderr
            tree.send_signal(signal.SIGTERM)
            assert tree.wait(15) == 0
        finally:
            tree.kill()


@pytest.mark.timeout(180)
def test_an_owner_s_own_package_named_services_is_left_alone(python, wheel):
    site = next(python.parents[1].glob("lib/python3*/site-packages"))
    own = site / "services" / "massive" / "main.py"
    own.parent.mkdir(parents=True)
    own.write_text("print('mine')\n")
    pip("--python", str(python), "install", "--force-reinstall", "--no-deps", str(wheel))
    assert own.read_text() == "print('mine')\n"
    pip("--python", str(python), "uninstall", "--yes", DISTRIBUTION)
    assert own.read_text() == "print('mine')\n"
    assert not (site / "otp").exists()
