"""Keeping ports alive: back off and try again, for ever or until the engine cannot do without."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable

import msgspec

from engine.errors import Fatal
from engine.message import Message, Told
from engine.notices import Happened, Listener, Notice
from engine.ports import Port, RunningPort
from engine.supervise import Budget, Intensity


class PortCare(msgspec.Struct, frozen=True):
    """How a port is kept: `essential` ones end the engine when `intensity` is spent, others are tried for ever.

    The wait before a restart doubles from `first_wait_s` to `longest_wait_s`, and starts anew after a run of
    `quiet_reset_s` of the intensity.
    """

    essential: bool = False
    intensity: Intensity = Intensity(restarts=5, window_s=60.0)
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0


class Outdoors:
    """What a running port may do to the engine. Its name goes with its messages."""

    def __init__(
        self, name: str, tell: Callable[[str, Message, int, str], Told], intake_paused: Callable[[], bool]
    ) -> None:
        self._name = name
        self._tell = tell
        self._intake_paused = intake_paused

    def tell(self, to: str, message: Message, cause: int = 0) -> Told:
        return self._tell(to, message, cause, self._name)

    @property
    def intake_paused(self) -> bool:
        """Hold back: an actor has more unread facts than it should."""
        return self._intake_paused()


async def supervise(
    port: Port, outdoors: Outdoors, care: PortCare, notify: Listener, *,
    now_ns: Callable[[], int], sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:  # fmt: skip
    """Run a port until it returns. Raises Fatal when it is essential and spent, and lets cancellation through."""
    if not isinstance(port, RunningPort):
        return
    budget = Budget(care.intensity)
    wait_s = care.first_wait_s
    while True:
        started_ns = now_ns()
        try:
            await port.run(outdoors)
            return
        except Exception as crash:
            notify(Notice(Happened.PORT_FAILED, port.name, "".join(traceback.format_exception(crash))))
            if care.essential and not budget.spend(now_ns()):
                raise Fatal(f"{port.name} failed once more than allowed: {crash!r}") from crash
        if now_ns() - started_ns >= care.intensity.quiet_reset_s * 1_000_000_000:
            wait_s = care.first_wait_s
        await sleep(wait_s)
        wait_s = min(2 * wait_s, care.longest_wait_s)
        notify(Notice(Happened.PORT_RESTARTED, port.name))
