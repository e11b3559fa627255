"""`otp top` before there is a screen."""

import sys

import pytest
from click.testing import CliRunner

from otp.cli import command
from otp.extras import install
from otp.tui.app import Top
from tests.tui.server import Server
from tests.tui.trees import massive


@pytest.fixture
def otp(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("OTP_SOCKET", raising=False)
    return lambda *arguments: CliRunner().invoke(command, arguments, prog_name="otp")


@pytest.fixture
def shown(monkeypatch):
    """The sockets whose trees have been shown, on a terminal."""
    shown = []
    monkeypatch.setattr("otp.cli.top._on_a_terminal", lambda: True)
    monkeypatch.setattr(Top, "run", lambda top: shown.append((top.path, top.patience)))
    return shown


@pytest.mark.parametrize("name", ["-S", "--socket"])
def test_it_shows_the_tree_of_the_socket_that_is_named(otp, server, path, shown, name):
    assert otp("top", name, str(path)).exit_code == 0
    assert shown == [(path, 30.0)]


def test_a_command_is_waited_for_as_long_as_is_said(otp, server, path, shown):
    assert otp("top", "-S", str(path), "--timeout", "2m").exit_code == 0
    assert shown == [(path, 120.0)]


def test_the_socket_may_be_named_by_the_environment_or_by_the_application(otp, tmp_path, shown, monkeypatch):
    (tmp_path / "otp").mkdir(mode=0o700)
    with Server(tmp_path / "otp" / "massive.sock", massive()) as server:
        assert otp("top", "--socket", "massive").exit_code == 0
        monkeypatch.setenv("OTP_SOCKET", str(server.path))
        assert otp("top").exit_code == 0
    assert shown == [(server.path, 30.0)] * 2


def test_without_a_terminal_nothing_is_drawn(otp, server, path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Top, "run", drawn.append)
    done = otp("top", "-S", str(path))
    assert (done.exit_code, drawn) == (2, [])
    assert done.output.startswith("Error: otp top needs a terminal")


def test_without_a_process_it_says_so_and_exits_with_6(otp, path, shown):
    for arguments in (("top",), ("top", "-S", str(path))):
        done = otp(*arguments)
        assert done.exit_code == 6
        assert done.output.startswith("Error: ")
        assert "there is no socket" in done.output or "no supervised process" in done.output
    assert shown == []


def test_without_textual_it_says_what_to_install(otp, server, path, monkeypatch):
    for module in [name for name in sys.modules if name.partition(".")[0] == "textual" or name.startswith("otp.tui")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "textual", None)
    done = otp("top", "-S", str(path))
    assert done.exit_code == 2
    assert "otp top is not available" in done.output
    assert install("tui") in done.output
