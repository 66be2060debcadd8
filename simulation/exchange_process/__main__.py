"""`python -m simulation.exchange_process`: an exchange to try engines against, until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import signal
import time
from contextlib import suppress
from pathlib import Path

from config.loader import load_instruments
from model.units import NS_PER_SECOND, cash
from ports.remote_venue.frames import Address
from simulation.exchange import Exchange, SqliteRecord, VenueRules
from simulation.exchange_process.market import Market, MarketRules, open_always
from simulation.exchange_process.server import ExchangeServer


def main() -> None:
    given = _arguments()
    address = Address.of(given.listen)
    if address.path:
        Path(address.path).unlink(missing_ok=True)  # left by one that was killed
    instruments = load_instruments([given.instruments])
    now_ns = time.time_ns()
    record = SqliteRecord(given.record)
    exchange = Exchange(
        instruments=instruments,
        sessions={each.calendar: open_always(each.calendar, now_ns) for each in instruments.values()},
        cash={given.currency: cash(given.cash)},
        base_currency=given.currency,
        fx=lambda currency: None,
        rules=VenueRules(latency_ns=int(given.latency_s * NS_PER_SECOND), margin=False),
        record=record,
    )
    rules = MarketRules(
        quote_every_ns=int(given.quote_every_s * NS_PER_SECOND),
        cycle_every_ns=int(given.cycle_every_s * NS_PER_SECOND),
        seed=given.seed,
    )
    tradeable = {name: each for name, each in instruments.items() if each.tradeable}
    server = ExchangeServer(exchange, Market(tradeable, rules, now_ns))
    with suppress(asyncio.CancelledError):
        asyncio.run(_until_stopped(server, address))
    record.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulation.exchange_process", description=__doc__)
    parser.add_argument("--listen", required=True, help="path of a Unix socket, or a port such as 127.0.0.1:7500")
    parser.add_argument("--record", type=Path, required=True, help="file of the exchange's own record")
    parser.add_argument("--instruments", required=True, help="file of the instruments that are listed")
    parser.add_argument("--cash", type=int, default=10_000_000)
    parser.add_argument("--currency", default="USD")
    parser.add_argument("--latency-s", type=float, default=0.02, help="each way")
    parser.add_argument("--quote-every-s", type=float, default=0.1)
    parser.add_argument("--cycle-every-s", type=float, default=1.0, help="between two decisions")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


async def _until_stopped(server: ExchangeServer, address: Address) -> None:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await server.serve(address, lambda: print(f"listening on {address.path or address.port}", flush=True))


if __name__ == "__main__":
    main()
