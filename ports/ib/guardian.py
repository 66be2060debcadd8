"""A guardian's own session with a gateway, under a client id of its own, for as long as it has something to end there.

The engine's session may linger, or live on frozen: a gateway refuses a second session under one client id, not under
another. What the port does with an event loop a guardian does with one of its own, in its own thread, and every deed
has a deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from model.instruments import Instrument
from model.orders import OpenOrder, OrderSpec, VenuePosition
from ports.ib.emergency import MOST_LOOKS, Emergency
from ports.ib.errors import IBError, IdInUse
from ports.ib.settings import IBSettings, Patience

CLIENT_OFFSET = 1_000
"""The guardian's client id is the engine's and so much more."""
CLIENT_IDS = 4
"""From there on: an id stays in use until the gateway notices that its session is over, and no order hangs on it."""
SLOW_ANSWERS = 4
"""That one deed may meet; an answer that does not come at all ends it sooner."""

T = TypeVar("T")


class GatewaySession:
    """See `ports.guardian.GuardianVenue`. One session; the guardian opens another one to try again.

    settings: the engine's, whose client id becomes one of the guardian's here.  may_send: whether the guardian's
    fencing token still stands, asked before each request leaves.  Everything raises OSError when it could not be done:
    nothing is known then of what was asked for.
    """

    def __init__(
        self, settings: IBSettings, instruments: Iterable[Instrument], *, may_send: Callable[[], bool],
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:  # fmt: skip
        first, known = settings.client_id + CLIENT_OFFSET, tuple(instruments)
        self._deed_s = deadline_s(settings.patience)
        self._loop = asyncio.new_event_loop()

        def under(client: int) -> Emergency:
            own = msgspec.structs.replace(settings, client_id=client)
            return Emergency(own, first, known, may_send=may_send, now_ns=now_ns)

        try:
            self._emergency = self._do(_opened([under(first + number) for number in range(CLIENT_IDS)]))
        except BaseException:
            self._loop.close()
            raise

    def open_orders(self) -> Sequence[OpenOrder]:
        return self._do(self._emergency.open_orders())

    def positions(self) -> Sequence[VenuePosition]:
        return self._do(self._emergency.positions())

    def cancel_by_prefix(self, prefix: str, keep: Collection[str] = ()) -> Sequence[str]:
        """The references of our orders that were open; each has ended. Raises OSError, naming what did not end."""
        return self._do(self._emergency.end_all(prefix, keep))

    def submit(self, order: OrderSpec) -> str:
        """What stands against a closing order. Sent once, whoever asks again, in this session or after a crash."""
        return self._do(self._emergency.send(order))

    def close(self) -> None:
        """Hang up."""
        if self._loop.is_closed():
            return
        self._loop.run_until_complete(self._hang_up())
        self._loop.close()

    async def _hang_up(self) -> None:
        self._emergency.close()
        await asyncio.sleep(0)

    def _do(self, deed: Coroutine[Any, Any, T]) -> T:
        """Raises OSError for everything that another try may mend, a person's hand included."""
        try:
            return self._loop.run_until_complete(asyncio.wait_for(deed, self._deed_s))
        except TimeoutError:
            raise TimeoutError(f"the gateway kept the guardian waiting for {self._deed_s:g} s") from None
        except IBError as error:
            raise ConnectionError(f"{error}: {error.next}") from error
        except sqlite3.Error as error:
            raise OSError(f"what the guardian must not forget cannot be written down: {error}") from error


async def _opened(sessions: Sequence[Emergency]) -> Emergency:
    """The first that can be opened: who still has a client id does not matter. Raises what `Emergency.open` does."""
    for session in sessions[:-1]:
        with contextlib.suppress(IdInUse):
            await session.open()
            return session
    await sessions[-1].open()
    return sessions[-1]


def deadline_s(patience: Patience) -> float:
    """The longest that one deed may take: opening, as many waits as there may be, and some slow answers."""
    waits_s = MOST_LOOKS * max(patience.look_gap_s, patience.cancel_s)
    return 3 * CLIENT_IDS * patience.connect_s + waits_s + SLOW_ANSWERS * patience.answer_s
