"""What another machine gave. A ratio is said as a range over all machines, and a limit is met only if it is on all.

It has the same cores, kernel and Python as the one whose results are kept. Only these ratios of one full quiet run of `restart`
are known of it; what is not here was measured on one machine alone.
"""

from collections.abc import Sequence

from benchmarks.rig.rows import Row

__all__ = ("ELSEWHERE", "LIMITS", "RANGES", "ratios")

ALONE = "ours and the event loops alone"
ERLANG = "Erlang and Elixir"

ELSEWHERE = {
    (ALONE, "otp, asyncio", "task with a CancelScope, asyncio"): (1.37,),
    (ALONE, "otp, uvloop", "task with a CancelScope, uvloop"): (1.29,),
    (ALONE, "otp, trio", "task with a CancelScope, trio"): (1.61,),
    (ERLANG, "otp, asyncio", "Erlang, gen_server"): (2.6,),
}
"""The ratios of other machines, by the section, the words and the floor of the row."""

RANGES = "A ratio with two ends is that of two machines of the same cores, kernel and Python; all other figures are of one machine alone."
LIMITS = f"{RANGES}\nA limit is called met only if it is on all machines where it was measured."
"""What is to be said beside figures, and beside their limits."""


def ratios(row: Row) -> Sequence[float]:
    """The ratio of a row on each machine on which it is known."""
    if row.ratio is None:
        return ()
    return row.ratio, *ELSEWHERE.get((row.section, row.what, row.to), ())
