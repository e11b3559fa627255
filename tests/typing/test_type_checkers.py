"""mypy and pyright accept every right call and refuse every wrong one."""

import json
import pathlib
import subprocess
import sys
from importlib.util import find_spec

import pytest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
RIGHT, WRONG = HERE / "right.py", HERE / "wrong.py"

pytestmark = pytest.mark.timeout(300)  # with a cold cache mypy reads all of anyio first


def mypy():
    done = check("mypy", "--strict", "--output", "json")
    return {(pathlib.Path(found["file"]).name, found["line"]) for found in map(json.loads, done.splitlines())}


def pyright():
    found = json.loads(check("pyright", "--outputjson"))["generalDiagnostics"]
    return {(pathlib.Path(one["file"]).name, one["range"]["start"]["line"] + 1) for one in found}


def check(checker, *options):
    done = subprocess.run(
        [sys.executable, "-m", checker, *options, RIGHT, WRONG], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr  # 0 would be: nothing is wrong; anything else: it could not look
    return done.stdout


def wrong_calls():
    lines = WRONG.read_text().splitlines()
    first = lines.index("# Each line from here on is wrong.") + 2
    return {(WRONG.name, line) for line in range(first, len(lines) + 1)}


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_right_calls_pass_and_each_wrong_one_is_found(checker):
    if find_spec(checker.__name__) is None:
        pytest.skip(f"{checker.__name__} is not installed; it is in the dependency group lint")
    assert checker() == wrong_calls()
