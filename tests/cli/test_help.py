"""The help, the completion, and what they cost."""

import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from otp.cli import command
from otp.cli.sections import SECTIONS
from otp.control.wire.commands import GetIncidents, GetSnapshot
from otp.control.wire.sockets import claim
from tests.cli import rows
from tests.cli.prepared import HANG

NAMES = [name for section in SECTIONS.values() for name in section if name != "top"]


def process(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "otp", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, **environment},
    )


def test_the_help_lists_the_commands_in_sections():
    said = CliRunner().invoke(command, ["--help"], prog_name="otp").stdout
    places = [said.index(f"\n{title}:\n") for title in ("Run", "Look", "Act", "Test", "Shell", "Plugins")]
    assert places == sorted(places)
    assert all(f"\n  {name} " in said for name in NAMES)
    assert "\n  demo " in said[places[-1] :]
    assert "Exit codes: 0 ok" in said


def test_no_short_help_is_cut():
    context = click.Context(command)
    own = {name: command.get_command(context, name) for name in NAMES if name != "check"}
    assert [name for name, found in own.items() if found.get_short_help_str(62).endswith("...")] == []


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("run", "check")])
def test_each_new_command_has_an_example(name):
    said = CliRunner().invoke(command, [name, "--help"], prog_name="otp").stdout
    assert "Example" in said
    assert f"otp {name}" in said.partition("Example")[2]


def test_each_command_that_asks_a_process_says_whom_and_for_how_long():
    for name in NAMES:
        if name in ("run", "check", "completion"):
            continue
        words = [name, "list", "--help"] if name == "incidents" else [name, "--help"]
        said = CliRunner().invoke(command, words, prog_name="otp").stdout
        assert "-S, --socket" in said, name
        assert "--timeout DURATION" in said, name


# ------------------------------------------------------------------------------------------------ completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_a_shell(shell):
    said = CliRunner().invoke(command, ["completion", shell]).stdout
    assert f"_OTP_COMPLETE={shell}_complete" in said


def test_the_script_for_bash_is_bash():
    script = CliRunner().invoke(command, ["completion", "bash"]).stdout
    assert subprocess.run(["bash", "-n"], input=script, text=True, timeout=10, check=False).returncode == 0


def completed(otp, *words, socket=None):
    """What bash would be offered for the last of the words."""
    line = " ".join(["otp", *words])
    socket = str(otp.server.path) if socket is None else socket
    done = process(_OTP_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=str(len(words)), OTP_SOCKET=socket)
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_paths_complete_from_the_running_tree(otp_of):
    otp = otp_of({GetSnapshot: rows.snapshot(rows.CHILDREN[:3])})
    assert completed(otp, "restart", "massive/w") == ["massive/workers", "massive/workers/ws_worker"]
    assert completed(otp, "why", "wor") == ["workers", "workers/ws_worker"]
    assert completed(otp, "restart", "nobody") == []


def test_the_socket_that_was_named_is_asked(otp_of):
    otp = otp_of({GetSnapshot: rows.snapshot(rows.CHILDREN[:1])})
    words = ("restart", "-S", str(otp.server.path), "massive/o")
    assert completed(otp, *words, socket="/nowhere/none.sock") == ["massive/orchestrator"]


def test_names_of_applications_complete(otp_of, tmp_path_factory, monkeypatch):
    runtime = tmp_path_factory.mktemp("r")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    claimed = claim("massive"), claim("intel")
    for each in claimed:
        for listener in each.listen():
            listener.close()
    assert completed(otp_of({}), "ps", "-S", "m") == ["massive"]
    for each in claimed:
        each.release()
    assert completed(otp_of({}), "ps", "-S", "m") == []


def test_incidents_complete_by_their_ids(otp_of):
    otp = otp_of({GetIncidents: rows.INCIDENTS})
    assert completed(otp, "incidents", "resolve", "1HB3V0ZK7") == [rows.INCIDENT]


def test_commands_complete(otp_of):
    assert completed(otp_of({}), "res") == ["restart", "reset", "resume"]


@pytest.mark.parametrize(
    "answers", [{GetSnapshot: HANG}, {GetSnapshot: ("error", "no")}, {GetSnapshot: ("blocked", "no")}, {}]
)
def test_what_cannot_be_had_at_once_completes_to_nothing_in_silence(otp_of, answers):
    assert completed(otp_of(answers), "restart", "w") == []


def test_without_a_process_nothing_completes(otp_of):
    otp = otp_of({})
    otp.server.path.unlink()
    assert completed(otp, "restart", "w") == []


# ------------------------------------------------------------------------------------------------ what it costs

HEAVY = {"textual", "redis", "starlette", "uvicorn", "prometheus_client", "apprise", "services", "trees"}


@pytest.mark.parametrize("name", NAMES)
def test_no_command_imports_what_is_heavy(name):
    code = (
        "import sys, click; from otp.cli import command; "
        f"assert command.get_command(click.Context(command), {name!r}); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert HEAVY.isdisjoint(done.stdout.split())


def test_a_command_is_imported_when_it_is_called_and_not_before():
    done = subprocess.run(
        [sys.executable, "-c", "import sys, otp.cli; print(*sys.modules)"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    modules = done.stdout.split()
    assert "otp.cli.sections" in modules
    assert not [name for name in modules if name.startswith("otp.cli.queries")]
