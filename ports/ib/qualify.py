"""Ask the gateway which contract each instrument is, once a day, and pin what passes every check."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from model.instruments import Instrument
from model.sessions import Sessions
from ports.ib.contract_checks import chosen, problems
from ports.ib.contracts import SEC_TYPES, Pin, Pins, pinned, query_of, rule_id_of
from ports.ib.errors import NotPinned, RequestRefused
from ports.ib.session import Session

Blocked = Callable[[str, str], None]


class Qualifier:
    """sessions: by calendar, what hours are compared with; a calendar that is not there is not compared.

    blocked: told the instrument and the reason when a contract may not be traded.
    """

    def __init__(self, pins: Pins, sessions: Mapping[str, Sessions], blocked: Blocked) -> None:
        self._pins = pins
        self._sessions = sessions
        self._blocked = blocked
        self._day_ns = -1
        self._done: set[str] = set()
        self._rules: dict[int, list[Any]] = {}

    async def once_a_day(self, session: Session, day_ns: int, now_ns: int) -> None:
        """Qualify what was not since `day_ns`, when the day began. Raises Unanswered, LinkLost; then go on later."""
        if self._day_ns != day_ns:
            self._day_ns = day_ns
            self._rules.clear()
            self._done.clear()
        for instrument in list(self._pins.instruments.values()):
            if instrument.id in self._done:
                continue
            if instrument.kind in SEC_TYPES and instrument.tradeable and _asked_for(instrument):
                await self._qualify(session, instrument, now_ns)
            self._done.add(instrument.id)

    async def identify(self, session: Session, con_id: int, now_ns: int) -> bool:
        """Find out what a contract is that something is held or open in; False when it is no instrument of ours."""
        from ports.ib.forms import by_con_id

        try:
            found = await session.details(by_con_id(con_id))
        except RequestRefused:
            return False
        instrument = self._pins.instrument_of(found[0]) if len(found) == 1 else None
        if instrument is None or self._pins.known(instrument.id) is not None:
            return False
        self._pins.instruments.setdefault(instrument.id, instrument)
        await self._pin(session, instrument, found[0], now_ns)
        return True

    async def _qualify(self, session: Session, instrument: Instrument, now_ns: int) -> None:
        from ports.ib.forms import contract_form

        known = self._pins.known(instrument.id)
        try:
            found = await session.details(contract_form(query_of(instrument)))
            details = chosen(instrument, found)
        except (RequestRefused, NotPinned) as error:
            self._blocked(instrument.id, str(error))
            if known is not None:
                self._pins.add(_blocked(known, str(error)))
            return
        if known is not None and known.query.con_id != details.contract.conId:
            reason = f"its contract was {known.query.con_id} and is {details.contract.conId} now"
            self._blocked(instrument.id, reason)
            self._pins.add(_blocked(known, reason))
            return
        await self._pin(session, instrument, details, now_ns)

    async def _pin(self, session: Session, instrument: Instrument, details: Any, now_ns: int) -> None:
        wrong = problems(instrument, details, self._sessions.get(instrument.calendar), now_ns)
        steps = await self._steps(session, details, query_of(instrument).exchange)
        pin = pinned(instrument, details, steps, "; ".join(wrong))
        self._pins.add(pin)
        if pin.blocked:
            self._blocked(instrument.id, pin.blocked)

    async def _steps(self, session: Session, details: Any, exchange: str) -> list[Any]:
        rule_id = rule_id_of(details, exchange)
        if rule_id is None:
            return []
        if rule_id not in self._rules:
            self._rules[rule_id] = await session.rule(rule_id)
        return self._rules[rule_id]


def _asked_for(instrument: Instrument) -> bool:
    """A future is asked for by contract; its product alone is no contract."""
    return instrument.roll is None or bool(instrument.contract_month)


def _blocked(pin: Pin, reason: str) -> Pin:
    return msgspec.structs.replace(pin, blocked=reason)
