"""How commands fail: one message that says what to do next, and an exit code that means something."""

import time

import pytest
from click.testing import CliRunner

from otp.cli import command
from otp.cli.exit_codes import CODES
from otp.control.wire.commands import GetHealth, GetIncidents, GetSnapshot, Restart
from otp.control.wire.protocol import PROTOCOL
from tests.cli import rows
from tests.cli.prepared import HANG, LEAVE


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("error", 1),
        ("protocol", 1),
        ("not_found", 4),
        ("refused", 5),
        ("gone", 6),
        ("timed_out", 7),
        ("blocked", 7),
        ("conflict", 8),
    ],
)
def test_each_kind_of_failure_has_its_exit_code_and_its_message(otp_of, kind, code):
    result = otp_of({Restart: (kind, "no, for this reason; do that instead")})("restart", "x")
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr == "Error: no, for this reason; do that instead\n"
    assert kind in CODES


def test_nobody_there_is_exit_code_6(tmp_path):
    result = CliRunner().invoke(command, ["ps", "-S", str(tmp_path / "none.sock")])
    assert result.exit_code == 6
    assert f"there is no socket {tmp_path / 'none.sock'}" in result.stderr


def test_without_a_socket_anywhere_it_says_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    result = CliRunner().invoke(command, ["ps"])
    assert result.exit_code == 6
    assert "otp run TARGET" in result.stderr


def test_the_socket_may_come_from_the_environment(otp_of, monkeypatch):
    otp = otp_of({GetHealth: rows.HEALTHY})
    monkeypatch.setenv("OTP_SOCKET", str(otp.server.path))
    assert CliRunner().invoke(command, ["health"]).exit_code == 0


def test_a_process_that_ends_instead_of_answering_is_unreachable(otp_of):
    result = otp_of({GetSnapshot: LEAVE})("ps")
    assert result.exit_code == 6
    assert "has ended" in result.stderr


def test_a_server_of_another_protocol_is_unreachable(otp_of):
    result = otp_of({}, protocol=PROTOCOL + 1)("ps")
    assert result.exit_code == 6
    assert "use the otp that the process was started with" in result.stderr


def test_an_answer_that_does_not_come_in_time_is_exit_code_7(otp_of):
    begun = time.monotonic()
    result = otp_of({GetSnapshot: HANG})("ps", "--timeout", "50ms")
    assert result.exit_code == 7
    assert "no answer within 0.05 s" in result.stderr
    assert time.monotonic() - begun < 20.0


def test_a_server_that_does_not_greet_is_unreachable(otp_of):
    assert otp_of({}, greeting=False)("ps", "--timeout", "50ms").exit_code == 6


@pytest.mark.parametrize(
    "arguments",
    [
        ("ps", "--timeout", "soon"),
        ("ps", "--timeout", "0"),
        ("ps", "-o", "yaml"),
        ("pause", "x", "--for", "10x"),
        ("restart",),
        ("wait", "x", "--for", "lunch"),
        ("fault", "explode", "x"),
        ("fault", "crash", "x", "--times", "0"),
        ("events", "-f", "-o", "json"),
        ("no_such_command",),
    ],
)
def test_a_wrong_command_line_is_exit_code_2_and_asks_nobody(otp_of, arguments):
    otp = otp_of({})
    assert otp(*arguments).exit_code == 2
    assert otp.server.asked == []


def test_a_wrong_duration_is_told_how_one_is_written(otp_of):
    said = otp_of({})("pause", "x", "--for", "10x").stderr
    assert "Invalid value for '--for': expected a length of time such as 30s, 10m or 1h30m, got '10x'" in said


def test_a_command_that_is_nearly_right_is_told_the_right_one():
    result = CliRunner().invoke(command, ["restrt", "x"])
    assert "there is no command 'restrt'; did you mean restart" in result.stderr


def test_control_characters_in_a_failure_do_not_reach_the_terminal(otp_of):
    said = otp_of({GetIncidents: ("error", "a\x1b[2Jb")})("incidents").stderr
    assert said == "Error: a [2Jb\n"


def test_ctrl_c_is_exit_code_130_without_a_word(otp_of, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("otp.cli.connection.connect", interrupted)
    result = otp_of({})("ps")
    assert (result.exit_code, result.output.strip()) == (130, "")
