"""The answer that somebody waits for."""

import anyio

from otp.errors import OTPError

__all__ = ("Answer",)


class Answer:
    """A request's token: the machine gives it back with the result."""

    __slots__ = ("_given", "_result")

    def __init__(self) -> None:
        self._given = anyio.Event()
        self._result: object = None

    def give(self, result: object) -> None:
        """Wake whoever waits."""
        self._result = result
        self._given.set()

    async def wait(self) -> object:
        """The result; an error of ours is raised. Being cancelled gives up the waiting, not the request."""
        await self._given.wait()
        if isinstance(self._result, OTPError):  # any other exception is a child's value: it gave that to started()
            raise self._result
        return self._result
