"""Asking without waiting: what is asked when, and what is told."""

import pytest

from otp.control.wire.commands import GetEvents, GetWhy, Restart
from otp.control.wire.protocol import Acted, Failed
from otp.control.wire.rows import Why
from otp.tui.requests import ChildQueries, command, history
from tests.tui.screens import wait_for
from tests.tui.server import Server
from tests.tui.trees import massive


@pytest.fixture
def told():
    return []


@pytest.fixture
def queries(path, told):
    queries = ChildQueries(path, told.append, pause=0.3, settle=0.05)
    queries.start()
    yield queries
    queries.stop()
    queries.join()


def test_what_is_wanted_is_told(server, queries, told):
    queries.want("massive/orchestrator")
    wait_for(lambda: told)
    assert told[0].path == "massive/orchestrator"
    assert isinstance(told[0].answer, Why)
    assert told[0].answer.child.path == "massive/orchestrator"


def test_of_many_wanted_in_haste_only_the_last_is_asked(server, queries, told):
    for child in server.tree.children:
        queries.want(child.path)
    wait_for(lambda: told)
    assert [one.path for one in server.commands(GetWhy)] == [server.tree.children[-1].path]


def test_the_same_child_is_not_asked_about_all_the_time(server, queries, told):
    queries.want("massive/publisher")
    wait_for(lambda: told)
    for _ in range(50):
        queries.want("massive/publisher")
    assert len(server.commands(GetWhy)) == 1
    wait_for(lambda: len(told) == 2)
    assert len(server.commands(GetWhy)) == 2


def test_a_child_that_is_gone_is_told_in_words(server, queries, told):
    queries.want("massive/nobody")
    wait_for(lambda: told)
    assert told[0].answer == "there is no child massive/nobody"


def test_without_a_process_the_answer_is_why_and_the_next_one_is_asked_again(path, queries, told):
    queries.want("massive/publisher")
    wait_for(lambda: told)
    assert "there is no socket" in told[0].answer
    with Server(path, massive()):
        queries.want("massive/orchestrator")
        wait_for(lambda: len(told) == 2)
        assert isinstance(told[1].answer, Why)
    queries.want("massive/publisher")
    wait_for(lambda: len(told) == 3)
    assert "has ended" in told[2].answer


def test_a_command_is_done_and_told(server, path, told):
    wanted = Restart(path="massive/publisher", reason="new key")
    command(path, wanted, told.append, 30.0)
    wait_for(lambda: told)
    assert told[0].command == wanted
    assert isinstance(told[0].answer, Acted)
    assert server.commands(Restart) == [wanted]


def test_a_refusal_is_told_in_words(server, path, told):
    server.refusal = Failed(id="", kind="conflict", message="it is down already")
    command(path, Restart(path="massive/publisher"), told.append, 30.0)
    wait_for(lambda: told)
    assert told[0].answer == "it is down already"


def test_a_command_to_nobody_is_told_too(path, told):
    command(path, Restart(path="massive/publisher"), told.append, 30.0)
    wait_for(lambda: told)
    assert "there is no socket" in told[0].answer


def test_a_command_is_waited_for_as_long_as_was_said(server, path, told):
    server.slow = True
    command(path, Restart(path="massive/publisher"), told.append, 0.05)
    wait_for(lambda: told)
    assert "no answer within 0.05 s" in told[0].answer


def test_the_history_is_fetched_with_healthy_operation(server, path, told):
    history(path, told.append)
    wait_for(lambda: told)
    assert told == [server.events]
    assert server.commands(GetEvents)[0].debug
