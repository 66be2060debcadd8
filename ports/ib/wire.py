"""One session with a gateway through `ib_async`, of which only the transport and the decoder are used.

Every session has a new client object. What the gateway says goes to `Ears` as it comes; the library's own order states
never hear of it. Import this module only inside a running loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Protocol

from ib_async import IB
from ib_async.client import Client
from ib_async.ib import StartupFetchNONE

from ports.ib.errors import HungUp, IBError, IdInUse, NotOpened
from ports.ib.heard import Complaint
from ports.ib.settings import IBSettings

ID_IN_USE = 326


class Ears(Protocol):
    """Who hears the gateway. Nothing here may block; what it raises is told to `on_defect`."""

    def on_open_order(self, order_id: int, contract: Any, order: Any, state: Any) -> None: ...
    def on_open_end(self) -> None: ...
    def on_completed_order(self, contract: Any, order: Any, state: Any) -> None: ...
    def on_completed_end(self) -> None: ...
    def on_status(
        self, order_id: int, status: str, filled: float, remaining: float, average: float, perm_id: int, parent: int,
        last: float, client: int, why: str, cap: float = 0.0,
    ) -> None: ...  # fmt: skip
    def on_execution(self, req_id: int, contract: Any, execution: Any) -> None: ...
    def on_executions_end(self, req_id: int) -> None: ...
    def on_commission(self, report: Any) -> None: ...
    def on_position(self, account: str, contract: Any, quantity: float, cost: float) -> None: ...
    def on_position_end(self) -> None: ...
    def on_account_value(self, key: str, value: str, currency: str, account: str) -> None: ...
    def on_account_told(self, at: str) -> None: ...
    def on_account_end(self, account: str) -> None: ...
    def on_time(self, epoch_s: int) -> None: ...
    def on_valid_id(self, order_id: int) -> None: ...
    def on_contract(self, req_id: int, details: Any) -> None: ...
    def on_contract_end(self, req_id: int) -> None: ...
    def on_rule(self, rule_id: int, steps: Any) -> None: ...
    def on_bar(self, req_id: int, bar: Any) -> None: ...
    def on_bars_end(self, req_id: int, start: str, end: str) -> None: ...
    def on_head(self, req_id: int, text: str) -> None: ...
    def on_price(self, req_id: int, kind: int, price: float, size: float) -> None: ...
    def on_size(self, req_id: int, kind: int, size: float) -> None: ...
    def on_snapshot_end(self, req_id: int) -> None: ...
    def on_data_kind(self, req_id: int, kind: int) -> None: ...
    def on_complaint(self, complaint: Complaint) -> None: ...
    def on_hung_up(self, reason: str) -> None: ...
    def on_defect(self, error: Exception) -> None: ...


HEARD: dict[str, str] = {
    "openOrder": "on_open_order", "openOrderEnd": "on_open_end", "completedOrder": "on_completed_order",
    "completedOrdersEnd": "on_completed_end", "orderStatus": "on_status", "execDetails": "on_execution",
    "execDetailsEnd": "on_executions_end", "commissionReport": "on_commission",
    "updateAccountValue": "on_account_value", "updateAccountTime": "on_account_told",
    "accountDownloadEnd": "on_account_end", "currentTime": "on_time", "nextValidId": "on_valid_id",
    "contractDetails": "on_contract", "contractDetailsEnd": "on_contract_end", "marketRule": "on_rule",
    "historicalData": "on_bar", "historicalDataEnd": "on_bars_end", "headTimestamp": "on_head",
    "priceSizeTick": "on_price", "tickSize": "on_size", "tickSnapshotEnd": "on_snapshot_end",
    "marketDataType": "on_data_kind",
}  # fmt: skip
"""The library's callback -> ours. Positions, errors and the end of the connection go to both, see `Hearing`."""

UNUSED = frozenset({"tickGeneric", "tickString", "tickReqParams", "updatePortfolio"})


class Hearing:
    """Stands where the library expects its own wrapper, which it asks only for what belongs to the connection."""

    def __init__(self, own: Any, ears: Ears) -> None:
        self._own, self._ears = own, ears
        for name, ours in HEARD.items():
            setattr(self, name, self._guarded(getattr(ears, ours)))
        for name in UNUSED:
            setattr(self, name, _ignore)
        self.position = self._guarded(self._position)
        self.positionEnd = self._guarded(self._position_end)
        self.error = self._guarded(self._error)
        self.refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def _guarded(self, ear: Callable[..., None]) -> Callable[..., None]:
        """What an ear raises ends the session: the library would log it and go on as if it had been heard."""

        def hear(*told: Any) -> None:
            try:
                ear(*told)
            except Exception as error:
                self._ears.on_defect(error)

        return hear

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)

    def _position(self, account: str, contract: Any, quantity: float, cost: float) -> None:
        self._own.position(account, contract, quantity, cost)
        self._ears.on_position(account, contract, quantity, cost)

    def _position_end(self) -> None:
        self._own.positionEnd()
        self._ears.on_position_end()

    def hung_up(self, reason: str) -> None:
        """The socket is closed, by the other side or by us."""
        if not self.refused.done():
            self.refused.set_exception(HungUp(f"the gateway hung up {reason}".strip(), "see that its API is enabled"))
        self._ears.on_hung_up(reason)

    def _error(self, about: int, code: int, text: str, reject_json: str = "") -> None:
        if code == ID_IN_USE and not self.refused.done():
            self.refused.set_exception(IdInUse(text, "stop the other program, or wait until the gateway drops it"))
        self._ears.on_complaint(Complaint(about, code, text))


class Wire:
    """A session. `client` sends; answers come through the ears."""

    def __init__(self, settings: IBSettings, ears: Ears) -> None:
        self._settings = settings
        self._ib: Any = IB()
        self._hearing = Hearing(self._ib.wrapper, ears)
        untyped: Any = Client
        self.client: Any = untyped(self._hearing)
        self.client.MaxRequests = 0  # the pacer paces; the library's own queue would hold cancels back
        self._ib.client = self.client
        self.client.conn.disconnected += self._hearing.hung_up

    async def open(self) -> tuple[str, ...]:
        """The accounts of the gateway's user. Raises IdInUse and NotOpened, and nothing else."""
        within_s = self._settings.patience.connect_s
        opening = asyncio.ensure_future(
            self._ib.connectAsync(
                self._settings.host, self._settings.port, self._settings.client_id, timeout=within_s,
                raiseSyncErrors=True, fetchFields=StartupFetchNONE,
            )
        )  # fmt: skip
        try:
            async with asyncio.timeout(3 * within_s):
                await asyncio.wait({opening, self._hearing.refused}, return_when=asyncio.FIRST_COMPLETED)
            if opening.done() and isinstance(opening.exception(), TimeoutError):
                raise TimeoutError
            if self._hearing.refused.done():
                raise self._hearing.refused.exception() or NotOpened("the gateway refused the session")
            await opening
            return tuple(self.client.getAccounts())
        except IBError:
            raise
        except (OSError, TimeoutError) as error:
            raise _not_opened(self._settings, error) from error
        finally:
            if not opening.done():
                opening.cancel()
            with contextlib.suppress(BaseException):
                await opening
            if not self._hearing.refused.done():
                self._hearing.refused.cancel()

    def close(self) -> None:
        """Hang up. What was not answered is the asker's to give up before."""
        transport = self.client.conn.transport
        self._ib.disconnect()
        if transport is not None:
            transport.abort()  # nothing may arrive after the link was told to be down


def _ignore(*_: object) -> None:
    return None


def _not_opened(settings: IBSettings, error: Exception) -> NotOpened:
    place = f"{settings.host}:{settings.port}"
    if isinstance(error, ConnectionRefusedError):
        return NotOpened(f"nobody listens at {place}", "start the gateway, and enable its API socket on this port")
    if isinstance(error, TimeoutError):
        return NotOpened(
            f"{place} was reached and did not finish the handshake",
            "look at the gateway's window: it may wait for a log-in, a dialog or a second factor",
        )
    return NotOpened(f"the session with {place} could not be opened: {error}")
