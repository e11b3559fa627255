"""What workers log themselves: no secret, no escape, no second line that passes for one of ours, on any sink of ours."""

import os
import subprocess
import sys

import pytest
from loguru import logger

from otp.observe.log_ring import LogRing
from otp.observe.sanitize import FRAMES, LONGEST, LONGEST_TRACEBACK, clean, clean_lines
from otp.runtime.current_child import CHILD

CANARY = "kanarienvogel"
HOSTILE = "\x1b[31mred\x1b[0m \u202egnp.exe \u2066isolated\u2069 \x9b2J \x00 \x07 \u200b"
FORGED = "09:30:00.000 CRITICAL root  is down"

WORDS = f"token={CANARY} {HOSTILE}\n{FORGED}\r{FORGED}\x0b{FORGED}\u2028{FORGED}\x85{FORGED}"

PROGRAM = """
import logging, sys
{before}
import anyio, otp
from loguru import logger

WORDS = {words!r}
SECRET = {canary!r}

async def talk():
    local = SECRET
    {log}
    raise otp.ExitShutdown

child = otp.worker("talk", talk, restart=otp.Restart.TRANSIENT, significant=True)
otp.run(otp.supervisor("lines", children=[child], auto_shutdown=otp.AutoShutdown.ANY_SIGNIFICANT), control=False)
"""

LOGURU = {
    "message": "logger.warning(WORDS)",
    "argument": "logger.warning('said {}', WORDS)",
    "extra": "logger.bind(token=SECRET, words=WORDS).warning('bound ' + WORDS)",
    "context": "exec('with logger.contextualize(token=SECRET): logger.warning(WORDS)')",
    "exception": "exec('try: raise ValueError(WORDS)\\nexcept ValueError: logger.exception(WORDS)')",
    "exception with a cause": "exec('try:\\n try: raise KeyError(WORDS)\\n except KeyError as e: raise ValueError(WORDS) from e\\n"
    "except ValueError: logger.exception(WORDS)')",
    "group": "logger.opt(exception=ExceptionGroup(WORDS, [ValueError(WORDS), OSError(WORDS)])).error(WORDS)",
    "note": "e = ValueError(WORDS); e.add_note(WORDS); logger.opt(exception=e).error(WORDS)",
    "colours": "logger.opt(colors=True).warning('<red>{}</red>', WORDS)",
    "raw": "logger.opt(raw=True).warning(WORDS)",
    "patched": "logger.patch(lambda r: r.update(message=WORDS)).warning('x')",
    "own level": "logger.level('LOUD', no=35); logger.log('LOUD', WORDS)",
    "no exception": "logger.opt(exception=True).warning(WORDS)",
}

STDLIB = {
    "message": "logging.getLogger('lib').warning(WORDS)",
    "argument": "logging.getLogger('lib').warning('said %s', WORDS)",
    "exception": "exec('try: raise ValueError(WORDS)\\nexcept ValueError: logging.exception(WORDS) if logging.root.handlers"
    " else logging.getLogger().exception(WORDS)')",
    "extra": "logging.getLogger('lib').error(WORDS, extra={'token': SECRET})",
    "wrong placeholder": "logging.getLogger('lib').critical(WORDS + ' %d', 'many')",
    "a name": "logging.getLogger(WORDS).error(WORDS)",
}


def said_by(tmp_path, log, before=""):
    file = tmp_path / "program.py"  # for the lines of a traceback
    file.write_text(PROGRAM.format(before=before, words=WORDS, canary=CANARY, log=log))
    env = {"PATH": "", "XDG_RUNTIME_DIR": os.environ["XDG_RUNTIME_DIR"], "PYTHONUTF8": "1"}
    done = subprocess.run([sys.executable, str(file)], capture_output=True, timeout=30, check=True, env=env)
    return done.stderr.decode()


def looks_clean(text):
    """All that must hold, whatever was said and by which way."""
    lines = text.split("\n")
    assert lines.pop() == ""
    assert all(line.isprintable() for line in lines), text
    assert CANARY not in text, text
    assert not any(line.startswith(FORGED) for line in lines), text
    return lines


@pytest.mark.parametrize("log", LOGURU.values(), ids=LOGURU)
def test_lines_that_a_worker_writes_through_loguru(tmp_path, log):
    text = said_by(tmp_path, log)
    looks_clean(text)
    assert "[redacted]" in text
    assert "CRITICAL root  is down" in text  # … it was said


@pytest.mark.parametrize("log", STDLIB.values(), ids=STDLIB)
@pytest.mark.parametrize("before", ["", "logging.basicConfig()"], ids=["last resort", "basicConfig"])
def test_lines_that_a_worker_writes_through_logging(tmp_path, log, before):
    text = said_by(tmp_path, log, before)
    looks_clean(text)
    assert "[redacted]" in text
    assert "CRITICAL root  is down" in text
    assert "Logging error" not in text


def test_a_line_of_logging_has_the_level_and_the_name_of_its_logger(tmp_path):
    text = said_by(tmp_path, "logging.getLogger('websockets.client').error('%d frames lost', 3)")
    assert "ERROR    websockets.client  3 frames lost" in text
    assert "\n" not in text.split("3 frames lost")[0].split("WARNING")[0]


def test_who_sets_up_logging_later_has_it(tmp_path):
    log = "logging.basicConfig(format='THEIRS %(message)s'); logging.getLogger('lib').warning('hello')"
    assert "THEIRS hello" in said_by(tmp_path, log)


def test_a_traceback_shows_where_it_was_and_marks_its_lines(tmp_path):
    text = said_by(
        tmp_path, "exec('def f(): raise ValueError(7)\\ntry: f()\\nexcept ValueError: logger.exception(\"it failed\")')"
    )
    first, *rest = text.splitlines()
    assert first.endswith("ERROR    it failed")
    trace = [line for line in rest if line.startswith("  | ")]
    assert trace[0] == "  | Traceback (most recent call last):"
    assert trace[-1] == "  | ValueError: 7"


@pytest.fixture
def ring():
    ring = LogRing()
    token = CHILD.set("root/a")
    with ring.listening():
        yield ring
    CHILD.reset(token)


def heard(ring):
    (line,) = ring.last("root/a", 10)
    assert line.text.isprintable()
    assert CANARY not in line.text
    assert len(line.text) <= 500
    return line.text


def test_the_lines_that_why_shows_are_one_line_each_and_clean(ring):
    logger.warning(WORDS)
    assert heard(ring).startswith("token=[redacted]")


def test_they_say_what_the_exception_was(ring):
    try:
        raise ValueError(WORDS)
    except ValueError:
        logger.exception("it failed")
    assert heard(ring).startswith("it failed  ValueError: token=[redacted]")


@pytest.mark.parametrize("place", range(470, 520))
def test_a_secret_where_a_line_is_cut_does_not_show_in_part(ring, place):
    logger.warning(f"{'x' * place} password={CANARY}")
    assert CANARY[:4] not in heard(ring)


@pytest.mark.parametrize("length", [LONGEST - 1, LONGEST, LONGEST + 1, 20 * LONGEST])
def test_a_text_is_bounded_and_no_half_of_a_secret_is_left_at_its_end(length):
    text = clean("x " * (length // 2 - 20) + f"password={CANARY * 30}")
    assert len(text) <= LONGEST
    assert CANARY[:4] not in text
    assert len(clean_lines("a\n" * 100_000)) <= 7 * (LONGEST + LONGEST_TRACEBACK)


def test_an_exception_that_cannot_be_shown_costs_its_text_and_nothing_else(tmp_path):
    log = "exec('class Odd(Exception):\\n def __str__(self): raise RuntimeError(SECRET)\\nlogger.opt(exception=Odd()).error(WORDS)')"
    looks_clean(said_by(tmp_path, log))


def test_a_deep_recursion_has_its_innermost_frames_only(tmp_path):
    before = "def f(n): return g(n - 1)\ndef g(n): return f(n - 1) if n else 1 / 0"
    log = "exec('try: f(401)\\nexcept ZeroDivisionError: logger.exception(\"deep\")')"
    text = said_by(tmp_path, log, before)
    assert text.count("  |   File ") <= FRAMES
    assert "ZeroDivisionError" in text
