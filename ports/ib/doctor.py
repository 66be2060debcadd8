"""What is wrong with a connection, in plain words, and what to click: for `hedgerow doctor`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import msgspec

from model.instruments import Instrument
from model.orders import OrderSpec, OrderType, Side, TimeInForce
from model.units import NS_PER_SECOND, qty
from ports.ib.account_guard import check_accounts, check_settings
from ports.ib.cash_watch import CashWatch
from ports.ib.contracts import Pins
from ports.ib.deaf import Deaf
from ports.ib.encoding import encode
from ports.ib.errors import HungUp, IBError, IdInUse, LinkLost, NotOpened, RequestRefused, Unanswered, WrongAccount
from ports.ib.qualify import Qualifier
from ports.ib.session import Session
from ports.ib.settings import AccountMode, IBSettings
from ports.ib.what_if import what_if

USUAL_PORTS = {4002: "gateway, paper", 4001: "gateway, live", 7497: "workstation, paper", 7496: "workstation, live"}
MOST_SKEW_S = 5
DAY_S = 86_400
API_PAGE = "Configure > Settings > API > Settings"


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at. code: stable.  todo: what a person does, empty when all is well."""

    code: str
    well: bool
    what: str
    todo: str = ""


ADVICE: dict[str, str] = {
    "PORT_CLOSED": f"Start the gateway or workstation and log in. Then open {API_PAGE}, read its socket port, and "
    "write the same number into the settings.",
    "API_DISABLED": f"In the gateway's window open {API_PAGE}: tick `Enable ActiveX and Socket Clients` (a workstation "
    "has the box, a gateway has it always on), and add this machine to the trusted addresses.",
    "LOG_IN_PENDING": "Look at the gateway's window: a log-in, a dialog or a second factor waits; approve it. "
    "Once a week, on Sunday, this is needed even where the gateway restarts by itself.",
    "CLIENT_ID": "Stop the other program that uses this client id (perhaps another engine), or give this one another "
    "client_id. After a crash the gateway frees it by itself within a minute.",
    "ACCOUNT": "Log the gateway in with the user that has the configured account, or correct account and mode in the "
    "settings.",
    "UPSTREAM": "The gateway runs and is not connected to the broker. Look at its window and at the internet "
    "connection; during the nightly reset, wait.",
    "READ_ONLY": f"In the gateway's window open {API_PAGE} and untick `Read-Only API`, then press Apply.",
    "DATA": "Subscribe to the market data of this exchange in the broker's web portal under Settings > Market Data "
    "Subscriptions, and share it with the paper account; or set delayed: true for paper trading on delayed quotes.",
    "DATA_ELSEWHERE": "Another session of the same user (phone, web portal) has the market data. Log it out, or use a "
    "second user for the engine.",
    "CLOCK": "Let this machine take its time from the network: switch NTP on. A simulated gateway that replays the "
    "past is as far away as its past is.",
    "CONTRACT": "Correct the instrument in the table: symbol, venue, currency or contract month.",
    "SILENT": "Restart the gateway: it is connected and does not answer everything that it is asked.",
}  # fmt: skip


class Doctor:
    """Opens one session under the configured client id, asks for everything once, and closes it. Nothing is ordered.

    probe: the instrument whose contract, data and order permission are tried.
    """

    def __init__(self, settings: IBSettings, probe: Instrument, now_ns: Callable[[], int]) -> None:
        self._settings, self._probe, self._now_ns = settings, probe, now_ns
        self._heard = Deaf()
        self._found: list[Finding] = []

    async def diagnose(self) -> list[Finding]:
        """Findings in the order in which they were looked for; the first that is not well may hide those after it."""
        try:
            check_settings(self._settings)
        except WrongAccount as error:
            return [Finding("ACCOUNT", False, str(error), error.next)]
        session = Session(self._settings, self._heard, CashWatch(0.0), now_ns=self._now_ns)
        try:
            if await self._opens(session):
                await self._account(session)
                await self._answers(session)
                await self._trades(session)
        except LinkLost as error:
            self._wrong("UPSTREAM", f"the session ended while it was being looked at: {error}")
        finally:
            session.close("the doctor has seen enough")
        return self._found

    async def _opens(self, session: Session) -> bool:
        place = f"{self._settings.host}:{self._settings.port}"
        try:
            await session.open()
        except IdInUse:
            return self._wrong("CLIENT_ID", f"client id {self._settings.client_id} is in use at {place}")
        except NotOpened as error:
            cause = error.__cause__
            if self._degraded():
                return self._wrong("UPSTREAM", "the gateway has lost its link to the broker")
            if isinstance(cause, ConnectionRefusedError):
                others = await self._listening()
                hint = f"; something listens at {', '.join(others)}" if others else ""
                return self._wrong("PORT_CLOSED", f"nobody listens at {place}{hint}")
            if isinstance(error, HungUp):
                return self._wrong("API_DISABLED", f"{place} took the connection and hung up at once")
            if isinstance(cause, TimeoutError):
                return self._wrong("LOG_IN_PENDING", f"{place} took the connection and does not finish the handshake")
            return self._wrong("SILENT", f"{place} opened a session and did not answer: {cause}")
        return self._well("PORT", f"{place} answers")

    async def _listening(self) -> list[str]:
        """Which of the usual ports somebody listens at."""
        found = []
        for port, name in USUAL_PORTS.items():
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(0.5):
                    _, writer = await asyncio.open_connection(self._settings.host, port)
                writer.close()
                found.append(f"{port} ({name})")
        return found

    async def _account(self, session: Session) -> None:
        try:
            check_accounts(self._settings, session.accounts)
        except WrongAccount as error:
            self._wrong("ACCOUNT", str(error))
            return
        live = self._settings.mode is AccountMode.LIVE
        self._well("ACCOUNT", f"{self._settings.account} is there, with {'real' if live else 'paper'} money")

    async def _answers(self, session: Session) -> None:
        """Time, everything that a snapshot needs, and what was said about the upstream link meanwhile."""
        try:
            skew_s = abs(await session.server_time_ns() - self._now_ns()) // NS_PER_SECOND
            await session.look(lambda executions: False)
        except (Unanswered, RequestRefused) as error:
            self._wrong("UPSTREAM" if self._degraded() else "SILENT", f"not everything was answered: {error}")
            return
        if self._degraded():
            self._wrong("UPSTREAM", "the gateway has lost its link to the broker")
        elif skew_s > MOST_SKEW_S:
            apart = f"{skew_s} s" if skew_s < DAY_S else f"{skew_s // DAY_S:,} days"
            self._wrong("CLOCK", f"this machine's clock and the broker's are {apart} apart")
        else:
            self._well("ANSWERS", "orders, executions, positions and cash are told completely, and clocks agree")

    async def _trades(self, session: Session) -> None:
        from ports.ib.forms import contract_form, order_form

        pins, reasons = Pins([self._probe]), dict[str, str]()
        try:
            await Qualifier(pins, {}, reasons.__setitem__).once_a_day(session, 0, self._now_ns())
            pin = pins.tradeable(self._probe.id)
        except (Unanswered, RequestRefused, IBError) as error:
            self._wrong("CONTRACT", reasons.get(self._probe.id, str(error)))
            return
        contract = contract_form(pin.query)
        await self._data(session, contract)
        spec = OrderSpec(
            client_id="hr-doctor", instrument=self._probe.id, side=Side.BUY, quantity=qty(self._probe.lot),
            type=OrderType.MARKET, tif=TimeInForce.DAY,
        )  # fmt: skip
        try:
            order = order_form(encode(spec, pin, self._settings), what_if=True)
            await what_if(session, session.valid_id, contract, order)
        except RequestRefused as error:
            if "read-only" in error.text.lower().replace(" ", "-"):
                self._wrong("READ_ONLY", f"orders are not taken from programs: {error}")
            else:
                self._well("ORDERS", f"orders are taken; this one would not be: {error}")
            return
        except Unanswered as error:
            self._wrong("SILENT", f"an order's cost was not told: {error}")
            return
        self._well("ORDERS", "orders are taken")

    async def _data(self, session: Session, contract: object) -> None:
        req_id = session.questions.new_id()
        try:
            await session.questions.ask(
                req_id, lambda: session.client.reqMktData(req_id, contract, "", True, False, []),
                self._settings.patience.first_tick_s,
            )  # fmt: skip
        except RequestRefused as error:
            elsewhere = error.number == 10197
            self._wrong("DATA_ELSEWHERE" if elsewhere else "DATA", f"no quotes of {self._probe.id}: {error}")
        except Unanswered:
            self._well("DATA", f"no quote of {self._probe.id} came, and nothing against it: its market may be closed")
        else:
            self._well("DATA", f"quotes of {self._probe.id} are told")

    def _degraded(self) -> bool:
        return any(each.code in (1100, 2110) for each in self._heard.complaints)

    def _well(self, code: str, what: str) -> bool:
        self._found.append(Finding(code, True, what))
        return True

    def _wrong(self, code: str, what: str) -> bool:
        self._found.append(Finding(code, False, what, ADVICE[code]))
        return False


async def diagnose(settings: IBSettings, probe: Instrument, now_ns: Callable[[], int]) -> list[Finding]:
    """See `Doctor`."""
    return await Doctor(settings, probe, now_ns).diagnose()
