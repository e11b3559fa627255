"""What is said over a socket: every message comes through, and nothing else does."""

import math
from contextlib import suppress
from typing import get_args

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from otp.control.wire import commands as c
from otp.control.wire import protocol as p
from otp.control.wire.protocol import (
    HEADER,
    MAX_REQUEST,
    Failed,
    Greeting,
    ProtocolError,
    Request,
    decode_message,
    decode_request,
    encode,
    length_of,
)
from otp.control.wire.rows import ChildRow

COMMANDS = [
    c.GetSnapshot(),
    c.GetHealth(),
    c.GetEvents(path="a/*", limit=3, debug=True),
    c.GetIncidents(path="a", resolved=True),
    c.Explain(path="a"),
    c.GetWhy(path="a"),
    c.GetStack(path="a"),
    c.Watch(),
    c.Restart(path="a", all=True, dry_run=True, reason="why"),
    c.Stop(path="a"),
    c.Start(path="a"),
    c.Reset(path="a"),
    c.Pause(path="a", seconds=1.5),
    c.Resume(path="a"),
    c.InjectFault(path="a", kind="flap", times=3, seconds=2.0),
    c.ResolveIncident(incident="1M8A", reason="known"),
    c.Drain(seconds=3.0, reason="bye"),
]


def pack(value):
    return msgspec.msgpack.encode(value)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_every_command_comes_through(command):
    frame = encode(Request("id-1", command))
    assert length_of(frame[:HEADER], MAX_REQUEST) == len(frame) - HEADER
    assert decode_request(frame[HEADER:]) == Request("id-1", command)


def test_there_is_no_command_that_is_not_tried_here():
    assert {type(command) for command in COMMANDS} == set(get_args(c.Command))


@pytest.mark.parametrize(
    "message",
    [
        Greeting(protocol=1, app="a", pid=1, version="1", role="read", faults=False),
        Failed(id="", kind="refused", message="no"),
        p.Reply("1", p.Events(())),
        p.Reply("1", p.Draining(op="1", dry_run=False, children=("a",))),
    ],
)
def test_what_a_server_says_comes_through(message):
    assert decode_message(encode(message)[HEADER:]) == message


def test_a_row_is_understood_without_fields_that_are_newer_and_with_more_than_are_known():
    known = {
        "path": "a/b",
        "kind": "worker",
        "state": "running",
        "restart": "permanent",
        "generation": 1,
        "ready": True,
    }
    row = msgspec.msgpack.decode(pack({**known, "of a newer server": 7}), type=ChildRow)
    assert (row.path, row.ready, row.strategy, row.up_s) == ("a/b", True, "", None)


@pytest.mark.parametrize("length", [0, MAX_REQUEST + 1, 2**32 - 1])
def test_no_message_is_longer_than_it_may_be_or_empty(length):
    with pytest.raises(ProtocolError, match=f"announces {length}"):
        length_of(length.to_bytes(HEADER), MAX_REQUEST)
    assert length_of(MAX_REQUEST.to_bytes(HEADER), MAX_REQUEST) == MAX_REQUEST


def restart(**fields):
    return {"id": "1", "command": {"type": "restart", "path": "a", **fields}}


def pause(seconds):
    return {"id": "1", "command": {"type": "pause", "path": "a", "seconds": seconds}}


HOSTILE = {
    "nothing": b"",
    "no map": pack(7),
    "no command": pack({"id": "1"}),
    "unknown command": pack({"id": "1", "command": {"type": "exec", "path": "os.system"}}),
    "no tag": pack({"id": "1", "command": {"path": "a"}}),
    "unknown field": pack(restart(code="import os")),
    "unknown field outside": pack({**restart(), "more": 1}),
    "wrong type": pack(restart(all="yes")),
    "a number as a path": pack({"id": "1", "command": {"type": "stop", "path": 7}}),
    "no path": pack({"id": "1", "command": {"type": "stop"}}),
    "a command that is no map": pack({"id": "1", "command": [1, 2]}),
    "an id that is none": pack({"id": None, "command": {"type": "health"}}),
    "an empty id": pack({"id": "", "command": {"type": "health"}}),
    "an endless id": pack({"id": "x" * 129, "command": {"type": "health"}}),
    "an endless path": pack(restart(path="x" * 1_001)),
    "an endless reason": pack(restart(reason="x" * 4_001)),
    "an endless incident": pack({"id": "1", "command": {"type": "resolve", "incident": "x" * 129}}),
    "not a number": pack(pause(math.nan)),
    "for ever": pack(pause(math.inf)),
    "before it began": pack(pause(-1.0)),
    "drain before": pack({"id": "1", "command": {"type": "drain", "seconds": -1.0}}),
    "drain never": pack({"id": "1", "command": {"type": "drain", "seconds": math.nan}}),
    "an unknown fault": pack({"id": "1", "command": {"type": "fault", "path": "a", "kind": "rm"}}),
    "more behind it": pack(restart()) + b"\x00",
    "half of it": pack(restart())[:-1],
    "no UTF-8": pack(restart(path="ab")).replace(b"ab", b"\xff\xfe"),
    "no UTF-8 as a field": pack(restart(abc=1)).replace(b"abc", b"\xff\xfe\xfd"),
    "deep lists": b"\x91" * 60_000,
    "deep maps": b"\x81\xa1x" * 20_000,
    "deep in a field": pack({"id": "1"})[:1] + b"\xa2id" + b"\x91" * 60_000,
    "a huge list that is not there": b"\xdd\xff\xff\xff\xff",
    "a huge text that is not there": b"\xdb\xff\xff\xff\xff",
    "code for an extension": b"\xc7\x03\x01abc",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_request_is_refused_and_nothing_else_happens(body):
    with pytest.raises(ProtocolError, match="no message of version 1"):
        decode_request(body)


def survives(decode, body):
    with suppress(ProtocolError):
        decode(body)


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
tags = sorted({str(kind.__struct_config__.tag) for kind in c.Command.__args__})
fields = st.sampled_from(["path", "all", "dry_run", "reason", "seconds", "kind", "times", "incident", "limit", "debug"])
almost = st.builds(
    lambda id, tag, more: {"id": id, "command": {"type": tag, **more}},
    plain | st.just("1"),
    st.sampled_from(tags) | st.text(),
    st.dictionaries(fields, plain, max_size=4),
)
frames = [encode(Request("id", command))[HEADER:] for command in COMMANDS]
bent = st.builds(
    lambda frame, at, new, cut: frame[: at % len(frame)] + new + frame[at % len(frame) + cut :],
    st.sampled_from(frames),
    st.integers(0, 10_000),
    st.binary(max_size=6),
    st.integers(0, 6),
)


@given(st.binary(max_size=200) | bent | (plain | almost).map(pack))
@example(b"\xd9")
def test_whatever_comes_the_decoder_of_requests_gives_a_request_or_a_protocol_error(body):
    survives(decode_request, body)


@given(st.binary(max_size=200) | plain.map(pack))
def test_whatever_comes_the_decoder_of_messages_gives_a_message_or_a_protocol_error(body):
    survives(decode_message, body)


messages = [
    Greeting(protocol=1, app="a", pid=1, version="1", role="read", faults=False),
    Failed(id="1", kind="refused", message="no"),
    p.Reply("1", p.Acted(op="1", dry_run=False, changes=(), untouched=3)),
]


@given(st.sampled_from([encode(one)[HEADER:] for one in messages]), st.integers(0, 10_000), st.binary(max_size=6))
def test_a_bent_message_of_a_server_is_a_message_or_a_protocol_error(frame, at, new):
    at %= len(frame)
    survives(decode_message, frame[:at] + new + frame[at + len(new) :])
