import logging
import re

import pytest
from loguru import logger as loguru_logger

from services.shared.logutil import LogUtil, adapted


@pytest.fixture(autouse=True)
def no_level_in_the_environment(monkeypatch):
    monkeypatch.delenv("LOG_LEVEL", raising=False)


def lines(capsys):
    return capsys.readouterr().out.splitlines()


def test_a_line_has_time_service_level_emoji_and_message(capsys):
    LogUtil("massive").info("frames flow", emoji="🌊")
    (line,) = lines(capsys)
    assert re.fullmatch(r"\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+\d\d:\d\d\]\[massive\]\[INFO\]🌊 frames flow", line)


def test_each_method_writes_its_level(capsys):
    log = LogUtil("massive")
    for name in ("info", "ok", "warn", "warning", "error"):
        getattr(log, name)(name)
    assert [line.split("]", 2)[2] for line in lines(capsys)] == [
        "[INFO] info", "[OK] ok", "[WARNING] warn", "[WARNING] warning", "[ERROR] error",
    ]  # fmt: skip


def test_the_level_comes_from_the_config_and_the_environment_wins(capsys, monkeypatch):
    log = LogUtil("massive")
    log.debug("too low")
    log.configure_from_config({"service_name": "massive", "LOG_LEVEL": "debug"})
    log.debug("shown")
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    log.configure_from_config({"service_name": "massive", "LOG_LEVEL": "debug"})
    log.warning("too low again")
    assert [line.split()[-1] for line in lines(capsys)] == ["shown"]


def test_a_level_that_is_none_is_refused(monkeypatch):
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    with pytest.raises(ValueError, match=r"one of DEBUG.*got 'LOUD'"):
        LogUtil("massive")


def test_configuring_any_number_of_times_adds_one_sink_to_the_process(capsys):
    for name in ("massive", "intel", "massive"):
        LogUtil(name).configure_from_config({"service_name": name})
    LogUtil("massive").info("once")
    assert len(lines(capsys)) == 1
    assert "<id=0," not in repr(loguru_logger)


def test_arguments_are_filled_in_as_the_standard_library_does(capsys):
    log = LogUtil("massive")
    log.info("%d frames of %s", 3, "AAPL")
    log.info("%(n)d frames", {"n": 4})
    log.info("100% sure, {braces} and <b>markup</b> stay")
    log.info("%d frames", "many")
    log.log(logging.WARNING, "by number")
    assert [line.split("] ", 1)[1] for line in lines(capsys)] == [
        "3 frames of AAPL",
        "4 frames",
        "100% sure, {braces} and <b>markup</b> stay",
        "%d frames ('many',)",
        "by number",
    ]


def test_one_message_stays_one_line_without_control_characters(capsys):
    forged = "[2026-01-01T00:00:00][massive][ERROR] forged"
    LogUtil("massive").info(f"a\n{forged}\r\x1b[2J\x00\x85\u2028end\tof it")
    (line,) = lines(capsys)
    assert line.endswith(rf"a\n{forged}\r\x1b[2J\x00\x85\u2028end\tof it")


def test_an_exceptions_text_cannot_begin_a_line_and_no_values_of_variables_are_shown(capsys):
    secret = "hunter2"
    try:
        raise ValueError("first\n[2026][massive][INFO] forged")
    except ValueError:
        LogUtil("massive").exception("it failed")
    first, *rest = lines(capsys)
    assert first.endswith("[ERROR] it failed")
    assert all(line.startswith("  | ") for line in rest)
    assert any("ValueError: first" in line for line in rest)
    assert secret not in "".join(line for line in rest if "secret =" not in line)


def test_a_standard_logger_can_be_passed_where_a_service_log_is_expected(caplog):
    log = adapted(logging.getLogger("theirs"))
    with caplog.at_level(logging.DEBUG):
        log.ok("%d frames", 3, emoji="🌊")
        log.error("failed")
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "🌊 3 frames"),
        ("ERROR", "failed"),
    ]


def test_a_service_log_can_be_passed_where_a_standard_logger_is_expected(capsys):
    log = LogUtil("massive")

    def library(logger):
        if logger.isEnabledFor(logging.WARNING):
            logger.warning("retry %d of %d", 1, 3, stacklevel=2)
        logger.error("gave up", exc_info=OSError("gone"))

    library(log)
    first, second, *trace = lines(capsys)
    assert first.endswith("[WARNING] retry 1 of 3")
    assert second.endswith("[ERROR] gave up")
    assert trace == ["  | OSError: gone"]
    assert adapted(log) is log


def test_what_turns_the_writing_round_or_moves_the_cursor_is_shown_as_an_escape(capsys):
    LogUtil("massive").info("a \u202egnp.exe \u2066b\u2069 \u200b \x9b2J \ud800", emoji="\u202e")
    loguru_logger.bind(event="child.started").info("root/a  \u202e\x1b[2J\nforged")
    first, second = lines(capsys)
    assert first.endswith(r"[INFO]\u202e a \u202egnp.exe \u2066b\u2069 \u200b \x9b2J \ud800")
    assert second.endswith(r"[INFO] root/a  \u202e\x1b[2J\nforged")


def test_an_exception_logged_past_it_is_marked_as_its_own_are(capsys):
    try:
        raise ValueError("\x1b[2J\nforged")
    except ValueError:
        loguru_logger.bind(event="child.failed").exception("root/a  failed")
    first, *rest = lines(capsys)
    assert first.endswith("[ERROR] root/a  failed")
    assert rest[0] == "  | Traceback (most recent call last):"
    assert rest[-2:] == [r"  | ValueError: \x1b[2J", "  | forged"]


def test_a_raw_record_moves_no_cursor_either(capsys):
    loguru_logger.bind(event="x").opt(raw=True).info("\x1b[2J\u202e\n")
    assert lines(capsys) == [r"\x1b[2J\u202e"]
