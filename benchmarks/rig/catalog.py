"""Who is measured, and what a restart is to each: a ratio is fair only between systems that do the same work.

The limit of restarts is out of everyone's reach, and their windows are short, so that no record of restarts grows.
Nobody waits until a child has started, unless its note says that the start is acknowledged.
"""

from benchmarks.rig.beam import Elixir, Erlang
from benchmarks.rig.system import Kind, System

BACKENDS = ("asyncio", "uvloop", "trio")


def _on_all(name: str, module: str, kind: Kind, backends: tuple[str, ...] = BACKENDS) -> dict[str, System]:
    return {b: System(name=f"{name}, {b}", module=module, kind=kind, backend=b) for b in backends}


def _peer(name: str, kind: Kind, note: str = "", *, module: str = "", environment: str = "", **more: str) -> System:
    """One in an environment of its own; module and environment have its name, unless they are given."""
    return System(name=name, module=module or name, kind=kind, environment=environment or name, note=note, **more)


def _peer_on_both(name: str, kind: Kind, note: str) -> tuple[System, System]:
    """One that is on anyio, and has a name for each event loop."""
    asyncio, trio = (
        _peer(f"{name}, {backend}", kind, note, module=name, environment=name, backend=backend)
        for backend in ("asyncio", "trio")
    )
    return asyncio, trio


OURS = _on_all("otp", "ours", Kind.FRESH)
"""Ours, by event loop."""

FLOORS = _on_all("task with a CancelScope", "floors.scope", Kind.FLOOR)
"""The floor that has the shape of ours, by event loop."""

TASK_GROUPS = _on_all("anyio task group", "floors.group", Kind.FLOOR)
"""A fresh task with a scope of its own in anyio's task group, which is what a program without supervision would write."""

BARE_TASKS = {
    **_on_all("bare task", "floors.task", Kind.FLOOR, ("asyncio", "uvloop")),
    **_on_all("bare task", "floors.nursery", Kind.FLOOR, ("trio",)),
}
"""The least that a fresh task costs: it has no scope of its own."""

ORDERED_STOPS = _on_all("scopes stopped one by one", "floors.ordered", Kind.FLOOR, ("asyncio", "uvloop"))
"""What stopping in OTP's order costs without supervision."""

ACKNOWLEDGED_STARTS = _on_all("anyio task group, acknowledged", "floors.acknowledged", Kind.FLOOR)
"""Each start waits until the child says that it runs."""

ACKNOWLEDGED = "the start is acknowledged"
NO_RESTART = "it has no restart"

TRIOTP = _peer("triotp 0.2.1", Kind.FRESH, module="triotp", environment="triotp", backend="trio")
TRIOTP_031 = _peer(
    "triotp 0.3.1",
    Kind.FRESH,
    "patched, it asks for Python 3.13",
    module="triotp",
    environment="triotp031",
    backend="trio",
)
FAUXTP = _peer("fauxtp", Kind.FRESH, "as it installs; its table is copied for each child that starts or ends")
FAUXTP_RPDS = _peer(
    "fauxtp with rpds-py", Kind.FRESH, "it has no limit of restarts", module="fauxtp", environment="fauxtp-rpds"
)
MODE = _peer(
    "mode-streaming",
    Kind.FRESH,
    f"{ACKNOWLEDGED}; among siblings 3 ms between crashes, it loses some otherwise",
)
RUNSMITH = _peer("runsmith", Kind.FRESH, "its poll of 0.25 s cut to 1 ms")
LAPINBEAM = _peer("lapinbeam", Kind.FRESH, "waits 0.1 s at least")

AIOTOOLS = _peer("aiotools", Kind.BY_HAND, f"{NO_RESTART}, a done callback starts the next task")
AIOERL = _peer("aioerl", Kind.BY_HAND, f"{NO_RESTART}, the process that is linked starts the next one")
ASY = _peer("asy", Kind.BY_HAND, "restarts everything, and only when a task asks for it by an exception of its own")

CHRONO_DAEMON, CHRONO_DAEMON_TRIO = _peer_on_both("chrono-daemon", Kind.SAME, "its backoff set to 0")
PAPYRA, PAPYRA_TRIO = _peer_on_both("papyra", Kind.SAME, "a new instance")
TAPIO = _peer("tapio", Kind.SAME, "its setup is run again")
EVERYTHING_IS_AN_ACTOR = _peer(
    "everything-is-an-actor",
    Kind.SAME,
    f"a new instance; {ACKNOWLEDGED}; asks for Python 3.12",
    environment="forced",
)

PYRE_AGENTS = _peer(
    "pyre-agents",
    Kind.HOOK,
    "a new object in the caller's task; patched, it asks for Python 3.12",
    environment="forced",
)
DOMO_ACTORS = _peer("domo-actors", Kind.HOOK, "the same object")
ACTIO = _peer("actio", Kind.HOOK, "the same object")

ATOMR = _peer("atomr", Kind.THREAD, "a new instance; its core is in Rust; 0.5 ms between crashes")
ACTORS = _peer("actors", Kind.THREAD, "a new instance; its package completed")
PYKKA = _peer("pykka", Kind.THREAD, f"{NO_RESTART}, its hook for failures starts a new thread")
THREAD_WARDEN = _peer("thread-warden", Kind.THREAD, "polls each second, with a backoff")

IN_TURNS = (
    f"{ACKNOWLEDGED}; a fresh supervisor after each 100 restarts, but in storm, as its record of them slows it down"
)

ERLANG = Erlang(name="Erlang, gen_server", module="gen_server", kind=Kind.PROCESS, note=IN_TURNS)
ERLANG_PROC_LIB = Erlang(name="Erlang, proc_lib", module="proc_lib", kind=Kind.PROCESS, note=IN_TURNS)
ERLANG_SIMPLE = Erlang(
    name="Erlang, simple_one_for_one", module="simple_one_for_one", kind=Kind.PROCESS, note=ACKNOWLEDGED
)
ELIXIR = Elixir(name="Elixir, DynamicSupervisor", module="dynamic_supervisor", kind=Kind.PROCESS, note=IN_TURNS)

FRESH = (TRIOTP, TRIOTP_031, FAUXTP, FAUXTP_RPDS, MODE, RUNSMITH)
"""The peers whose supervisors start a fresh task, as ours do."""

UNSUPERVISED = (AIOTOOLS, AIOERL, ASY)
"""Those that start a fresh task without a supervisor."""

OTHERS = (
    *(CHRONO_DAEMON, CHRONO_DAEMON_TRIO, PAPYRA, PAPYRA_TRIO, TAPIO, EVERYTHING_IS_AN_ACTOR),
    *(PYRE_AGENTS, DOMO_ACTORS, ACTIO, ATOMR, ACTORS, PYKKA),
)
"""The peers that keep the task, or have none."""

BEAM = (ERLANG_PROC_LIB, ERLANG, ELIXIR)

LOGGING = (TRIOTP, RUNSMITH, CHRONO_DAEMON, TAPIO, DOMO_ACTORS, ATOMR, *BEAM)
"""Those that write about a crash by themselves."""

WITH_WINDOW = (TRIOTP, TAPIO, PAPYRA, EVERYTHING_IS_AN_ACTOR, PYRE_AGENTS)
"""Peers that remember the restarts of a window."""

AMONG_MANY = (
    *(TRIOTP, FAUXTP_RPDS, MODE, AIOTOOLS, AIOERL),
    *(CHRONO_DAEMON, PAPYRA, TAPIO, EVERYTHING_IS_AN_ACTOR, PYRE_AGENTS, DOMO_ACTORS, ACTIO, ACTORS),
)
"""Peers that can have 100 000 children."""

SLOW = (LAPINBEAM, THREAD_WARDEN)
"""Those whose restart takes a tenth of a second or more by choice: few restarts of them are measured."""

SCALED = (
    *(TRIOTP, FAUXTP_RPDS, MODE, AIOTOOLS, AIOERL, LAPINBEAM),
    *(CHRONO_DAEMON, PAPYRA, TAPIO, EVERYTHING_IS_AN_ACTOR, PYRE_AGENTS, DOMO_ACTORS, ACTIO, ATOMR, ACTORS),
    *(ERLANG_PROC_LIB, ERLANG, ERLANG_SIMPLE, ELIXIR),
)
"""Those whose start, stop and memory of many idle children are measured."""

NOTES = {system.name: system.note for system in (*FRESH, *UNSUPERVISED, *OTHERS, *SLOW, *BEAM, ERLANG_SIMPLE)}
"""Of everyone else, by name, what else is different."""
