"""The answer that somebody waits for."""

import anyio

from otp.errors import OTPError

__all__ = ("Answer",)


class Answer:
    """A request's token: the machine gives it back with the result."""

    __slots__ = ("_error", "_given", "_result")

    def __init__(self) -> None:
        self._given = anyio.Event()
        self._result: object = None
        self._error: OTPError | None = None

    def give(self, result: object, *, is_value: bool = False) -> None:
        """Wake whoever waits; an error of ours is raised there, unless it is a child's value."""
        if isinstance(result, OTPError) and not is_value:
            self._error = result
        else:
            self._result = result
        self._given.set()

    async def wait(self) -> object:
        """The result, or the error raised. Being cancelled gives up the waiting, not the request."""
        await self._given.wait()
        if self._error is not None:
            raise self._error
        return self._result
