"""The README is true: its programs run, its commands are there."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def program(beginning):
    (found,) = (text for text in PROGRAMS if beginning in text)
    return found


@pytest.fixture
def clock(tmp_path):
    (tmp_path / "clock.py").write_text(program("# clock.py"))
    return tmp_path


def otp(folder, *words):
    return subprocess.run(
        [sys.executable, "-m", "otp", *words], cwd=folder, capture_output=True, text=True, timeout=30, check=True
    )


def test_the_clock_can_be_checked_and_printed(clock):
    assert otp(clock, "check", "clock:tree").stdout == "clock: 2 workers, 1 supervisor\n"
    assert "└─ flaky" in otp(clock, "tree", "clock:tree").stdout


def test_the_clock_runs_and_its_flaky_child_restarts_alone(clock):
    with subprocess.Popen(
        [sys.executable, "-m", "otp", "run", "clock:tree"], cwd=clock, stderr=subprocess.PIPE, text=True
    ) as running:
        assert "clock/flaky  restarting after ConnectionError: the line went dead  (1 of 3 in 5 s)" in next(
            running.stderr
        )
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0


def test_the_policy_of_the_guide_can_be_built(tmp_path):
    (text,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "guide.md").read_text(), re.DOTALL)
    (tmp_path / "feed.py").write_text(f"{text}\nprint(feed.policy)\n")
    done = subprocess.run(
        [sys.executable, "feed.py"], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "FailurePolicy(provider_restart, network_blip, config_error)\n"


def test_the_readme_is_short_and_shows_six_figures():
    assert len(README.splitlines()) <= 150
    table = README.partition("| what | figure |")[2].partition("\n\n")[0]
    assert len(table.splitlines()) == 2 + 6


def test_the_embedded_tree_restarts_one_child(tmp_path):
    (tmp_path / "embed.py").write_text(program("async with open_supervisor"))
    done = subprocess.run(
        [sys.executable, "embed.py"], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "root/a running 2 1\nroot/b running 1 0\n"


def test_the_shortened_tree_names_what_the_real_one_has():
    shortened = re.findall(r'(?:worker|supervisor|on_market)\(\s*"(\w+)"', program("trees/massive.py"))
    real = re.findall(r'(?:worker|supervisor|on_market)\(\s*"(\w+)"', (ROOT / "trees/massive.py").read_text())
    assert shortened == real


def test_every_make_target_and_file_that_it_names_exists():
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make (\w+)", README)) <= targets
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).exists(), link
