"""The log of services through an outlet: without secrets, with the lines of libraries, and whoever does not read it."""

import logging
import os
import pathlib
import subprocess
import sys
import threading

import pytest
from loguru import logger

from otp.observe.fallback_log import say_aside
from services.shared.log_outlet import log_outlet
from services.shared.logutil import LogUtil

CANARY = "kanarienvogel"


@pytest.fixture(autouse=True)
def no_level_in_the_environment(monkeypatch):
    monkeypatch.delenv("LOG_LEVEL", raising=False)


def test_lines_go_through_it_without_secrets(capsys, monkeypatch):
    monkeypatch.setattr(logging.root, "handlers", [])  # pytest's own
    log = LogUtil("massive")
    with log_outlet():
        log.info("connecting with token=%s", CANARY, emoji="🌊")
        try:
            raise ValueError(f"password={CANARY}")
        except ValueError:
            log.exception("it failed")
        logger.bind(event="child.failed").warning(f"root/a  api_key={CANARY}")
        logging.getLogger("websockets").warning("Authorization: Bearer %s\x1b[2J", CANARY)
        logging.getLogger("websockets").error("gone", exc_info=OSError(f"token={CANARY}"))
        say_aside("CRITICAL", "the end")
    text = capsys.readouterr().out
    assert CANARY not in text
    said = [line.split("]", 1)[1] for line in text.splitlines() if line.startswith("[")]
    assert said[0] == "[massive][INFO]🌊 connecting with token=[redacted]"
    assert "[massive][WARNING] root/a  api_key=[redacted]" in said
    assert any(line.startswith("[massive][WARNING] websockets  Authorization: [redacted]") for line in said)
    assert "[massive][ERROR] websockets  gone" in said
    assert "  | OSError: token=[redacted]" in text.splitlines()
    assert said[-1] == "[massive][CRITICAL] the end"


def test_behind_the_block_all_is_as_before(capsys):
    last_resort = logging.lastResort
    with log_outlet() as outlet:
        assert logging.lastResort is not last_resort
    assert logging.lastResort is last_resort
    LogUtil("massive").info("hello")
    assert outlet.written + outlet.dropped == 0
    assert "hello" in capsys.readouterr().out


PROGRAM = """
from services.shared.log_outlet import keep_log_outlet
from services.shared.logutil import LogUtil
keep_log_outlet()
log = LogUtil("massive")
for number in range(20_000):
    log.info("frame %d of many, and more text to fill the pipe", number)
open("done", "w").close()
"""


def test_a_service_whose_output_nobody_reads_goes_on_and_ends(tmp_path):
    ours, theirs = os.pipe()
    root = str(pathlib.Path(__file__).parents[3])
    env = {**os.environ, "PYTHONPATH": root}
    try:
        subprocess.run([sys.executable, "-c", PROGRAM], stdout=theirs, cwd=tmp_path, timeout=30, check=True, env=env)
        assert (tmp_path / "done").exists()
        os.close(theirs)
        said = []
        reader = threading.Thread(target=lambda: said.append(os.read(ours, 1 << 20)))
        reader.start()
        reader.join(10)
        assert b"[massive][INFO] frame 0 of many" in said[0]
    finally:
        os.close(ours)
