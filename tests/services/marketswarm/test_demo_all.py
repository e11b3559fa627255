"""`otp demo --all`, as a user runs it: four services on real parts, each row of the failure table, and nothing left."""

import json
import subprocess
import sys

import pytest

EXPECTED = {
    "provider restart": ({"provider_restart"}, {"ws_worker"}),
    "network blip": ({"provider_restart", "network_blip"}, {"ws_worker"}),
    "logic bug": ({"logic_bug"}, {"scorer"}),
    "dependency down": ({"dependency_down"}, {"signals", "gazette", "scorer", "broker", "decider"}),
    "config error": ({"config_error"}, set()),
}


@pytest.mark.timeout(150)
def test_each_row_of_the_failure_table_shows_its_verdict_its_incident_and_its_downtime(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    ran = subprocess.run(
        [sys.executable, "-m", "otp", "demo", "--all", "-o", "json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    report = json.loads(ran.stdout)
    assert [row["failure"] for row in report["rows"]] == list(EXPECTED)
    for row in report["rows"]:
        verdicts, restarted = EXPECTED[row["failure"]]
        assert verdicts <= set(row["verdicts"])
        assert restarted <= {path.rpartition("/")[2] for path in row["restarted"]}
        assert row["incidents"]
        assert row["failures"] >= len(row["incidents"])
        assert (row["downtime_s"] > 0) == bool(row["restarted"])
    assert report["open_incidents"] == 0
    flow = report["flow"]
    assert abs(flow["articles"] - flow["scores"]) <= 1, "the paper appears while they are counted, one after the other"
    assert flow["articles"] > 10
    assert flow["signals"] >= flow["orders"] >= flow["fills"] > 0
    assert "Traceback" not in ran.stderr
    assert list(tmp_path.iterdir()) == []
