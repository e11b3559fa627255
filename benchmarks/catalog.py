"""Who is measured, and what a restart is to each: a ratio is fair only between systems that do the same work.

The limit of restarts is out of everyone's reach, and their windows are short, so that no record of restarts grows.
Nobody waits until a child has started, unless its note says that the start is acknowledged.
"""

from benchmarks.beam import Elixir, Erlang
from benchmarks.system import Kind, System

__all__ = (
    "AMONG_MANY",
    "BARE_FLOORS",
    "BEAM",
    "ERLANG",
    "ERLANG_PROC_LIB",
    "FLOORS",
    "FRESH",
    "GROUP_FLOORS",
    "LOGGING",
    "OTHERS",
    "OURS",
    "SCALED",
    "SLOW",
    "WITH_WINDOW",
    "Kind",
    "System",
)

BACKENDS = ("asyncio", "uvloop", "trio")


def _on_all(name: str, module: str, kind: Kind, backends: tuple[str, ...] = BACKENDS) -> dict[str, System]:
    return {b: System(name=f"{name}, {b}", module=module, kind=kind, backend=b) for b in backends}


OURS = _on_all("otp", "ours", Kind.FRESH)
"""Ours, by event loop."""

FLOORS = _on_all("task with a CancelScope", "floors.scope", Kind.FLOOR)
"""The floor that has the shape of ours, by event loop."""

GROUP_FLOORS = _on_all("anyio task group", "floors.group", Kind.FLOOR)
"""The same shape in anyio's task group, which is what a program without supervision would write."""

BARE_FLOORS = (
    *_on_all("bare task", "floors.task", Kind.FLOOR, ("asyncio", "uvloop")).values(),
    *_on_all("bare task", "floors.nursery", Kind.FLOOR, ("trio",)).values(),
    *_on_all("anyio task group, acknowledged", "floors.acknowledged", Kind.FLOOR).values(),
)
"""Floors of other shapes."""

ACKNOWLEDGED = "the start is acknowledged"
BY_HAND = "restarted by hand: it has no restart"

TRIOTP = System(name="triotp 0.2.1", module="triotp", kind=Kind.FRESH, backend="trio", environment="triotp")
TRIOTP_031 = System(
    name="triotp 0.3.1",
    module="triotp",
    kind=Kind.FRESH,
    backend="trio",
    environment="triotp031",
    note="patched, it asks for Python 3.13",
)
FAUXTP = System(
    name="fauxtp",
    module="fauxtp",
    kind=Kind.FRESH,
    environment="fauxtp",
    note="as it installs; its table is copied for each child that starts or ends",
)
FAUXTP_RPDS = System(
    name="fauxtp with rpds-py", module="fauxtp", kind=Kind.FRESH, environment="fauxtp-rpds", note="it has no limit"
)
MODE = System(
    name="mode-streaming",
    module="mode_streaming",
    kind=Kind.FRESH,
    environment="mode-streaming",
    note=f"{ACKNOWLEDGED}; among siblings 3 ms between crashes, it loses some otherwise",
)
AIOTOOLS = System(name="aiotools", module="aiotools", kind=Kind.FRESH, environment="aiotools", note=BY_HAND)
AIOERL = System(name="aioerl", module="aioerl", kind=Kind.FRESH, environment="aioerl", note=BY_HAND)
ASY = System(
    name="asy",
    module="asy",
    kind=Kind.FRESH,
    environment="asy",
    note="restarts everything, on its own exception only",
)
RUNSMITH = System(
    name="runsmith", module="runsmith", kind=Kind.FRESH, environment="runsmith", note="its poll of 0.25 s cut to 1 ms"
)
LAPINBEAM = System(
    name="lapinbeam", module="lapinbeam", kind=Kind.FRESH, environment="lapinbeam", note="waits 0.1 s at least"
)

CHRONO_DAEMON, CHRONO_DAEMON_TRIO = (
    System(
        name=f"chrono-daemon, {backend}",
        module="chrono_daemon",
        kind=Kind.SAME,
        backend=backend,
        environment="chrono-daemon",
        note="its backoff set to 0",
    )
    for backend in ("asyncio", "trio")
)
PAPYRA, PAPYRA_TRIO = (
    System(
        name=f"papyra, {backend}",
        module="papyra",
        kind=Kind.SAME,
        backend=backend,
        environment="papyra",
        note="a new instance",
    )
    for backend in ("asyncio", "trio")
)
TAPIO = System(name="tapio", module="tapio", kind=Kind.SAME, environment="tapio", note="its setup is run again")
EVERYTHING_IS_AN_ACTOR = System(
    name="everything-is-an-actor",
    module="everything_is_an_actor",
    kind=Kind.SAME,
    environment="forced",
    note=f"a new instance; {ACKNOWLEDGED}; asks for Python 3.12",
)

PYRE_AGENTS = System(
    name="pyre-agents",
    module="pyre_agents",
    kind=Kind.HOOK,
    environment="forced",
    note="a new object in the caller's task; patched, it asks for Python 3.12",
)
DOMO_ACTORS = System(
    name="domo-actors", module="domo_actors", kind=Kind.HOOK, environment="domo-actors", note="the same object"
)
ACTIO = System(name="actio", module="actio", kind=Kind.HOOK, environment="actio", note="the same object")

ATOMR = System(
    name="atomr", module="atomr", kind=Kind.THREAD, environment="atomr", note="a new instance; its core is in Rust"
)
ACTORS = System(
    name="actors", module="actors", kind=Kind.THREAD, environment="actors", note="a new instance; its package completed"
)
PYKKA = System(name="pykka", module="pykka", kind=Kind.THREAD, environment="pykka", note=f"a new thread, {BY_HAND}")
THREAD_WARDEN = System(
    name="thread-warden",
    module="thread_warden",
    kind=Kind.THREAD,
    environment="thread-warden",
    note="polls each second, with a backoff",
)

ERLANG = Erlang(name="Erlang, gen_server", module="gen_server", kind=Kind.PROCESS, note=ACKNOWLEDGED)
ERLANG_PROC_LIB = Erlang(name="Erlang, proc_lib", module="proc_lib", kind=Kind.PROCESS, note=ACKNOWLEDGED)
ERLANG_SIMPLE = Erlang(
    name="Erlang, simple_one_for_one", module="simple_one_for_one", kind=Kind.PROCESS, note=ACKNOWLEDGED
)
ELIXIR = Elixir(name="Elixir, DynamicSupervisor", module="dynamic_supervisor", kind=Kind.PROCESS, note=ACKNOWLEDGED)

FRESH = (TRIOTP, TRIOTP_031, FAUXTP, FAUXTP_RPDS, MODE, AIOTOOLS, AIOERL, ASY, RUNSMITH)
"""The peers that start a fresh task, as ours does."""

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
