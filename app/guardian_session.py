"""How a guardian gets its own session with the venue that a configuration names."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from config.loader import Configuration
from config.settings import IBVenue, ProcessVenue
from ports.guardian.heartbeat import Heartbeat
from ports.guardian.venue import GuardianVenue
from state.lease import LeaseError
from state.process_id import lives

if TYPE_CHECKING:
    from state.lake import Lake

Session = Callable[[int, Heartbeat], GuardianVenue]


def session_of(configuration: Configuration, state: Path, lake: Callable[[], Lake]) -> Session:
    """Opens a session under a fencing token. What it needs of the engine is loaded when it is wanted."""
    venue = configuration.settings.venue
    if isinstance(venue, ProcessVenue):
        return lambda token, beat: _socket(venue.address, token)
    if isinstance(venue, IBVenue):
        return lambda token, beat: _gateway(configuration, state, token)
    return lambda token, beat: _record(configuration, state, lake, token, beat)


def _socket(address: str, token: int) -> GuardianVenue:
    from ports.remote_venue.frames import Address
    from ports.remote_venue.session import SocketSession

    return SocketSession(Address.of(address), token)


def _gateway(configuration: Configuration, state: Path, token: int) -> GuardianVenue:
    """A broker takes no tokens: the lease is asked before each request leaves whether this one still stands."""
    from app.guard import lease_store
    from app.ib_account import ib_settings
    from ports.ib.guardian import GatewaySession

    logging.getLogger("ib_async").setLevel(logging.CRITICAL)  # what it would say is among the deeds, in words
    lease = lease_store(configuration.settings)

    def stands() -> bool:
        try:
            return lease.token() == token
        except LeaseError:
            return False

    wanted = ib_settings(configuration.settings, state)
    return GatewaySession(wanted, configuration.instruments.values(), may_send=stands)


def _record(
    configuration: Configuration, state: Path, lake: Callable[[], Lake], token: int, beat: Heartbeat
) -> GuardianVenue:
    """The exchange that died with its engine, alive again on its record. Raises OSError while that engine may live."""
    from app.process import VENUE, EngineProcess, Wanted
    from simulation.exchange import SqliteRecord
    from simulation.exchange.session import ExchangeSession

    if lives(beat.process) is not False:
        raise OSError("the simulated exchange is inside the engine's process, and that has not ended")
    wanted = Wanted(configuration=configuration, state_dir=state, lake=lake(), first=0, last=0)
    return ExchangeSession(EngineProcess(wanted).exchange_on(SqliteRecord(state / VENUE)), token)
