"""`python -m tests.conformance`: compare with Erlang/OTP for as long as one likes, record, and print the figures."""

import sys
import time

import click

from otp.testing import explore
from tests.conformance import recording
from tests.conformance.erlang import erlang
from tests.conformance.fuzzing import Tally, fuzz, until, up_to
from tests.conformance.rules import RULES, UNREACHABLE
from tests.core.interleavings import FAMILY, MORE


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Our supervisor against the one of Erlang/OTP."""


@main.command("fuzz")
@click.option("--minutes", type=float, help="For so long.")
@click.option("--scenarios", type=int, help="Or until so many are compared.")
@click.option("--seed", type=int, default=lambda: time.time_ns() // 1_000_000, help="Of the first thousand.")
def fuzz_command(minutes: float | None, scenarios: int | None, seed: int) -> None:
    """Compare fresh scenarios; exit code 1 if ours ever differs."""
    if (minutes is None) == (scenarios is None):
        raise click.UsageError("say either --minutes or --scenarios")
    goes_on = until(minutes) if minutes is not None else up_to(scenarios or 0)
    tally, begun = Tally(), time.monotonic()
    with erlang() as oracle:
        click.echo(f"OTP {oracle.release}, seed {seed}", err=True)
        found = fuzz(oracle, seed, goes_on, tally)
    click.echo(f"{tally.scenarios} scenarios, {tally.steps} steps, {time.monotonic() - begun:.0f} s")
    click.echo(_by_rule(tally))
    if found:
        click.echo(f"ours differs:\n{found}")
        sys.exit(1)
    click.echo("no difference")


@main.command("record")
@click.option("--scenarios", type=int, default=30_000, help="Candidates.")
@click.option("--seed", type=int, default=1)
def record_command(scenarios: int, seed: int) -> None:
    """Choose scenarios that show every case of every rule, and keep what OTP makes of them."""
    chooser, tally = recording.Chooser(), Tally()
    with erlang() as oracle:
        found = fuzz(oracle, seed, up_to(scenarios), tally, chooser.offer)
    if found:
        sys.exit(f"ours differs:\n{found}")
    recording.write(recording.RECORDED, chooser.kept)
    click.echo(f"kept {len(chooser.kept)} of {tally.scenarios}")


@main.command("interleavings")
def interleavings_command() -> None:
    """Walk the family of small trees through every order of events, and say how many states there are."""
    click.echo("| tree | states | steps | longest path |\n| --- | ---: | ---: | ---: |")
    seen = []
    for tree in FAMILY + MORE:
        one = explore(tree.spec, tree.happenings)
        seen.append(one)
        click.echo(f"| {tree.name} | {one.states:,} | {one.steps:,} | {one.deepest} |")
    click.echo(f"| all {len(seen)} | {sum(s.states for s in seen):,} | {sum(s.steps for s in seen):,} | |")


def _by_rule(tally: Tally) -> str:
    lines = ["| rule | seen at work |", "| --- | ---: |"]
    lines += [f"| {rule} | {tally.cases[rule] or 'not reached'} |" for rule in RULES]
    lines += [f"| {rule} | – {why} |" for rule, why in UNREACHABLE.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
