"""The benchmarks: the README says what was measured, and each of them can be run."""

import os
import platform
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks.__main__ import NAMES
from benchmarks.report.claims import Claim, claimed
from benchmarks.report.documents import DOCUMENTS, rewritten
from benchmarks.report.guard import Guarded, check, commit
from benchmarks.report.plots import PICTURES
from benchmarks.report.ranges import lines
from benchmarks.report.readme import SIX, six
from benchmarks.report.results import RESULTS, Result, keep, kept
from benchmarks.report.speed import missed
from benchmarks.report.tables import tables
from benchmarks.report.terminal import show
from benchmarks.rig.catalog import MODE, OURS
from benchmarks.rig.machine import machine
from benchmarks.rig.rows import Row

ROOT = Path(__file__).parents[1]
ROOMS = ("systems", "rig", "measures", "report")


def benchmarks(*words):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *words], cwd=ROOT, capture_output=True, text=True, timeout=50, check=False
    )


def result(benchmark, *rows):
    return {benchmark: [on("2 cores", benchmark, *rows)]}


def on(where, benchmark, *rows):
    return Result(benchmark=benchmark, machine=where, at="2026-01-02T03:04:05Z", rows=list(rows))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_itself_and_those_above_it(room):
    found = {
        (path.name, imported)
        for path in (ROOT / "benchmarks" / room).rglob("*.py")
        for imported in re.findall(r"^\s*from benchmarks\.(\w+)", path.read_text(), re.MULTILINE)
    }
    assert found
    assert {(name, imported) for name, imported in found if imported not in ROOMS[: ROOMS.index(room) + 1]} == set()


def test_every_link_of_the_page_of_figures_leads_somewhere():
    targets = re.findall(r"\]\(([^)#\s]+)\)", (ROOT / "benchmarks/README.md").read_text())
    assert len(targets) > 10
    assert [target for target in targets if not (ROOT / "benchmarks" / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_figures_in_a_document_are_those_that_are_kept(document):
    text = document.read_text()
    assert rewritten(text, DOCUMENTS[document], kept(NAMES)) == text


def test_every_picture_that_the_readme_shows_is_there_and_small():
    results = kept(NAMES)
    for picture in PICTURES:
        if picture.figures(results):
            assert 0 < (ROOT / f"benchmarks/results/{picture.benchmark}.svg").stat().st_size < 60_000


def test_a_claim_shows_its_figure_its_limit_and_whether_it_is_met(monkeypatch):
    claims = [
        Claim(says="the one", benchmark="b", row={"what": "x"}),
        Claim(says="other", benchmark="b", row={"what": "y"}),
    ]
    monkeypatch.setattr("benchmarks.report.claims.CLAIMS", claims)
    met = Row(what="x", figure=1234.5, unit="µs", p99=20.04, ratio=1.234, to="a floor", limit=1.35)
    missed = Row(what="y", figure=2.5, unit="KB", limit=2.0)
    lines = claimed(result("b", met, missed)).splitlines()
    assert lines[2] == "| the one | 1 234 µs, p99 20 | 1.23 × a floor | 1.35 × | yes |"
    assert lines[3] == "| other | 2.5 KB |  | 2 KB | **no** |"
    assert lines[5] == "- Measured on 2 cores, 2026-01-02: b."


def test_a_claim_without_a_row_says_what_to_do(monkeypatch):
    monkeypatch.setattr("benchmarks.report.claims.CLAIMS", [Claim(says="the one", benchmark="b", row={"what": "x"})])
    with pytest.raises(LookupError, match=r"no row of .*/b\.json has what 'x'.*run python -m benchmarks b"):
        claimed(result("b"))


def test_a_limit_that_only_one_of_two_machines_meets_is_not_met(monkeypatch):
    monkeypatch.setattr("benchmarks.report.claims.CLAIMS", [Claim(says="it", benchmark="b", row={"what": "x"})])
    of_one, of_other = (
        Row(what="x", figure=figure, unit="µs", ratio=ratio, to="a floor", limit=1.2)
        for figure, ratio in ((10.3, 1.1), (13.0, 1.37))
    )
    both = {"b": [on("one", "b", of_one), on("other", "b", of_other)]}
    assert claimed(both).splitlines()[2] == "| it | 10.3–13 µs | 1.10–1.37 × a floor | 1.2 × | **no** |"
    assert "| b | x | 1.10–1.37 × a floor | 1.2 × |" in missed(both)
    alone = {"b": [on("one", "b", of_one)]}
    assert claimed(alone).splitlines()[2].endswith("| yes |")
    assert "| b | x |" not in missed(alone)


def test_a_limit_that_is_met_but_was_not_measured_on_all_machines_says_on_how_many(monkeypatch):
    monkeypatch.setattr("benchmarks.report.claims.CLAIMS", [Claim(says="it", benchmark="b", row={"what": "x"})])
    met = Row(what="x", figure=1.0, unit="KB", limit=2.0)
    results = {"b": [on("one", "b", met)], "c": [on("other", "c", met)]}
    assert claimed(results).splitlines()[2] == "| it | 1 KB |  | 2 KB | on 1 of 2 |"


def test_lines_of_two_machines_are_matched_by_section_words_floor_and_place():
    first = [
        Row(what="dropped", figure=figure, unit="", section=section) for figure, section in ((1, ""), (2, ""), (3, "s"))
    ]
    second = [Row(what="dropped", figure=figure, unit="") for figure in (10, 20)] + [Row(what="new", figure=4, unit="")]
    found = lines([on("one", "b", *first), on("other", "b", *second)])
    assert [line.figures for line in found] == [[1, 10], [2, 20], [3], [4]]


def test_results_of_two_machines_are_kept_apart_and_those_of_one_are_replaced(tmp_path):
    few, many = ([Row(what=str(n), figure=n, unit="") for n in range(count)] for count in (1, 3))
    for where, rows in (("2 cores, Linux 6", many), ("2 cores, Linux 6, b", many), ("2 cores, Linux 6, b", few)):
        keep("storm", rows, where, tmp_path)
    assert {path.parent.name for path in tmp_path.glob("*/storm.json")} == {"2-cores-linux-6", "2-cores-linux-6-b"}
    results = kept(["storm", "scale"], tmp_path)
    assert [(one.machine, len(one.rows)) for one in results.pop("storm")] == [
        ("2 cores, Linux 6", 3),
        ("2 cores, Linux 6, b", 1),
    ]
    assert results == {}


def test_a_machine_is_described_by_its_processor_and_by_the_name_that_it_was_given():
    described = machine()
    assert described.startswith(f"{os.cpu_count()} cores")
    assert platform.release() in described
    assert machine("b") == f"{described}, b"


def test_a_ratio_that_was_only_reported_stands_beside_one_that_was_measured():
    found = [line for results in kept(NAMES).values() for line in lines(results)]
    reported = [line for line in found if any(row.figure is None for row in line.rows)]
    assert len(reported) == 4
    assert all(line.figures and len(line.ratios) == 2 for line in reported)


def test_the_readme_says_six_figures_and_of_which_machines_they_are():
    said = six(kept(NAMES)).splitlines()
    assert len(SIX) == 6
    assert len([line for line in said if line.startswith("| ")]) == 2 + len(SIX)
    assert len([line for line in said if line.startswith("- Measured on")]) == 2
    assert "1.10–1.37 ×" in said[2]


def test_a_document_without_marks_is_refused():
    with pytest.raises(ValueError, match=r"the document has no <!-- benchmarks: six -->"):
        rewritten("# otp", {"six": six}, {})


def in_restart(system, **fields):
    return Row(what=system.name, figure=2.0, unit="µs", system=system.name, kind=system.kind, **fields)


def test_the_tables_have_every_row_under_its_section_and_say_what_is_different():
    ours, peer = in_restart(OURS["trio"]), in_restart(MODE, p99=20.04, ratio=4.0, to="otp, trio", section="peers")
    text = tables(result("restart", ours, peer))
    assert text.startswith("## restart\n\nFrom the crash of a child to the first line of its next incarnation.\n")
    assert "Measured on 2 cores, 2026-01-02." in text
    assert "| otp, trio | 2 µs |  |  |  |  |" in text
    assert "### peers" in text
    assert "| mode-streaming | 2 µs | 20 | 4.00 × otp, trio |  |  |" in text
    assert text.endswith(f"**fresh task**: {MODE.kind.means}.\n\n- otp, trio\n- mode-streaming: {MODE.note}\n")


def test_a_table_on_the_terminal_explains_its_systems_where_peers_are_among_them(capsys):
    show("restart", [in_restart(OURS["trio"]), in_restart(MODE)])
    assert "mode-streaming: the start is acknowledged" in capsys.readouterr().out
    show("restart", [in_restart(OURS["trio"])])
    assert "fresh task" not in capsys.readouterr().out


def test_pictures_take_the_first_latency_of_each_system_and_its_siblings():
    restart, siblings, recovery = (picture.figures for picture in PICTURES)
    latency = {"unit": "µs", "p99": 9.0, "system": "otp, asyncio", "kind": "fresh task"}
    restarted = [Row(what="restart", figure=figure, **latency) for figure in (2.0, 3.0)]
    among = {"among 1 000": 4.0, "among 100 000": 5.0}
    crowded = [
        Row(what=f"otp, asyncio, {what}", figure=figure, to="among 10", **latency) for what, figure in among.items()
    ]
    flowing = Row(what="one: data flows again after", figure=5.0, unit="ms")
    results = result("restart", *restarted) | result("siblings", *crowded) | result("recovery", flowing)
    assert [bar.median for bar in restart(results)] == [2.0]
    assert [line.medians for line in siblings(results)] == [{1_000: 4.0, 100_000: 5.0}]
    assert [(bar.name, bar.median) for bar in recovery(results)] == [("one", 5.0)]


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_that_is_named_can_be_run(name):
    assert callable(import_module(f"benchmarks.measures.{name}").measure)


def test_an_unknown_benchmark_is_refused():
    done = benchmarks("restarts")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(f"no benchmark restarts; there are {', '.join(NAMES)}")


def test_a_quick_run_prints_its_figures_and_keeps_nothing():
    before = {path: path.stat().st_mtime_ns for path in RESULTS.rglob("*")}
    done = benchmarks("scale", "--quick")
    assert done.returncode == 0, done.stderr
    assert "otp, asyncio: start" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in RESULTS.rglob("*")} == before


class Takes:
    """A figure that is other each time it is taken."""

    def __init__(self, *figures):
        self.left = list(figures)

    def __call__(self):
        return {"restart": self.left.pop(0)}


@pytest.fixture
def committed(tmp_path):
    path = tmp_path / "guard.json"
    assert commit(path, [Guarded(Takes(2.0))]) == 0
    return path


def test_the_guard_lets_pass_what_is_worse_within_its_factor(committed, capsys):
    assert check(committed, [Guarded(Takes(2.9))]) == 0
    assert "1.45" in capsys.readouterr().out


def test_the_guard_measures_once_more_before_it_fails(committed):
    assert check(committed, [Guarded(Takes(3.1, 2.1))]) == 0
    assert check(committed, [Guarded(Takes(3.2, 3.1))]) == 1


def test_the_guard_names_the_figure_that_is_worse(committed, capsys):
    assert check(committed, [Guarded(Takes(3.2, 3.1))]) == 1
    line = next(line for line in capsys.readouterr().out.splitlines() if "WORSE" in line)
    assert line.split() == ["restart", "2.000", "3.100", "1.55", "WORSE", "than", "1.5", "×"]


def test_the_guard_gives_slack_to_what_is_next_to_nothing(committed):
    assert check(committed, [Guarded(Takes(22.9), slack=20.0)]) == 0
    assert check(committed, [Guarded(Takes(23.1, 23.1), slack=20.0)]) == 1


def test_the_guard_fails_for_a_figure_that_nobody_committed(committed, capsys):
    assert check(committed, [Guarded(lambda: {"start": 1.0})]) == 1
    assert "NOT COMMITTED" in capsys.readouterr().out


def test_the_guard_without_anything_to_compare_with_says_what_to_do(tmp_path, capsys):
    assert check(tmp_path / "guard.json", [Guarded(Takes(1.0))]) == 1
    assert "python -m benchmarks guard --write" in capsys.readouterr().out


def test_the_guard_passes_over_what_cannot_be_measured_here(committed):
    assert check(committed, [Guarded(dict)]) == 0
