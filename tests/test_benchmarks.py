"""The benchmarks: the README says what was measured, and each of them can be run."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks.__main__ import NAMES
from benchmarks.kept import Result, kept
from benchmarks.plots import PICTURES
from benchmarks.readme import README, Claim, block, rewritten
from benchmarks.report import Row

ROOT = Path(__file__).parents[1]


def benchmarks(*words):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *words], cwd=ROOT, capture_output=True, text=True, timeout=50, check=False
    )


def result(benchmark, *rows):
    return {benchmark: Result(benchmark=benchmark, machine="2 cores", at="2026-01-02T03:04:05Z", rows=list(rows))}


def test_the_figures_in_the_readme_are_those_that_are_kept():
    text = README.read_text()
    assert rewritten(text, kept(NAMES)) == text


def test_every_picture_that_the_readme_shows_is_there_and_small():
    results = kept(NAMES)
    for picture in PICTURES:
        if picture.figures(results):
            assert 0 < (ROOT / f"benchmarks/results/{picture.name}.svg").stat().st_size < 60_000


def test_a_claim_shows_its_figure_its_limit_and_whether_it_is_met(monkeypatch):
    claims = [
        Claim(says="the one", benchmark="b", row={"what": "x"}),
        Claim(says="other", benchmark="b", row={"what": "y"}),
    ]
    monkeypatch.setattr("benchmarks.readme.CLAIMS", claims)
    met = Row(what="x", figure=1234.5, unit="µs", p99=20.04, ratio=1.234, to="a floor", limit=1.35)
    missed = Row(what="y", figure=2.5, unit="KB", limit=2.0)
    lines = block(result("b", met, missed)).splitlines()
    assert lines[2] == "| the one | 1 234 µs, p99 20 | 1.23 × a floor | 1.35 × | yes |"
    assert lines[3] == "| other | 2.5 KB |  | 2 KB | **no** |"
    assert lines[5] == "Measured on 2 cores, 2026-01-02: b."


def test_a_claim_without_a_row_says_what_to_do(monkeypatch):
    monkeypatch.setattr("benchmarks.readme.CLAIMS", [Claim(says="the one", benchmark="b", row={"what": "x"})])
    with pytest.raises(LookupError, match=r"results/b\.json has no row with what 'x'.*run python -m benchmarks b"):
        block(result("b"))


def test_a_readme_without_marks_is_refused():
    with pytest.raises(ValueError, match=r"README\.md has no <!-- benchmarks:begin -->"):
        rewritten("# otp", {})


def test_pictures_take_the_first_latency_of_each_system_and_its_siblings():
    restart, siblings, recovery = (picture.figures for picture in PICTURES)
    latency = {"unit": "µs", "p99": 9.0, "system": "otp, asyncio", "kind": "fresh task"}
    rows = [
        Row(what="restart", figure=2.0, **latency),
        Row(what="restart to another floor", figure=3.0, **latency),
        Row(what="restart", figure=4.0, section="among 1 000 siblings", **latency),
    ]
    results = result("restart", *rows) | result(
        "recovery", Row(what="one: data flows again after", figure=5.0, unit="ms")
    )
    assert [bar.median for bar in restart(results)] == [2.0]
    assert [line.medians for line in siblings(results)] == [{1_000: 4.0}]
    assert [(bar.name, bar.median) for bar in recovery(results)] == [("one", 5.0)]


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_that_is_named_can_be_run(name):
    assert callable(import_module(f"benchmarks.{name}").measure)


def test_an_unknown_benchmark_is_refused():
    done = benchmarks("restarts")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(f"no benchmark restarts; there are {', '.join(NAMES)}")


def test_a_quick_run_prints_its_figures_and_keeps_nothing():
    before = {path: path.stat().st_mtime_ns for path in (ROOT / "benchmarks/results").glob("*")}
    done = benchmarks("scale", "--quick")
    assert done.returncode == 0, done.stderr
    assert "otp, asyncio: start" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in (ROOT / "benchmarks/results").glob("*")} == before
