"""domo-actors: a hook is called on the same object, which goes on with what it had."""

import asyncio

from domo_actors import Actor, Definition, Protocol, stage
from domo_actors.actors.address import Uuid7Address
from domo_actors.actors.protocol import ProtocolInstantiator
from domo_actors.actors.supervisor import DefaultSupervisor, SupervisionScope, SupervisionStrategy

from benchmarks.systems.runs.children import Children
from benchmarks.systems.runs.restarts import Restarts


class Unlimited(SupervisionStrategy):
    def intensity(self):
        return -1

    def period(self):
        return 1

    def scope(self):
        return SupervisionScope.ONE


class Parent(DefaultSupervisor):
    async def supervision_strategy(self):
        return Unlimited()


class Idle(Actor): ...


class NoLog:
    def __getattr__(self, name):
        return lambda *args, **kwargs: None


def restart(run: Restarts) -> None:
    class Crashing(Actor):
        async def after_restart(self):
            run.enter()
            again.set()

        async def crash(self):
            await asyncio.sleep(run.idle)
            run.crashing()
            raise ValueError

    async def main() -> None:
        the_stage = stage()
        if not run.log:
            the_stage._logger = NoLog()  # noqa: SLF001 # it has no other way to be quiet
        the_stage.register_supervisor("root", _start(the_stage, Parent))
        for _ in range(run.siblings):
            _start(the_stage, Idle, supervisor_name="root")
        child = _start(the_stage, Crashing, supervisor_name="root")
        await asyncio.sleep(0.01)
        while True:
            again.clear()
            try:
                await child.crash()
            except ValueError:
                pass
            await again.wait()
            await asyncio.sleep(0)

    again = asyncio.Event()
    asyncio.run(main())


def scale(run: Children) -> None:
    class Counted(Actor):
        async def before_start(self):
            run.enter()

    async def main() -> None:
        the_stage = stage()
        the_stage._logger = NoLog()  # noqa: SLF001
        run.declare()
        run.begin()
        protocol = _protocol(Counted)
        for _ in range(run.count):
            the_stage.actor_for(protocol, Definition("Counted", Uuid7Address(), ()))
        while run.running < run.count:
            await asyncio.sleep(0)
        run.up()
        await the_stage.close()
        run.over()

    asyncio.run(main())


def _start(the_stage, actor: type, **options):
    return the_stage.actor_for(_protocol(actor), Definition(actor.__name__, Uuid7Address(), ()), **options)


def _protocol(actor: type) -> Protocol:
    class Instantiator(ProtocolInstantiator):
        def instantiate(self, definition):
            return actor()

    class Type(Protocol):
        def type(self):
            return actor.__name__

        def instantiator(self):
            return Instantiator()

    return Type()
