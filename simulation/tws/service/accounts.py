"""Accounts: what is told at once, and what is told again when it has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from simulation.tws import replies as tell
from simulation.tws import requests as ask
from simulation.tws.catalogue.refused import Refused, invalid
from simulation.tws.service.client import PROCESSING, Client, Handler

Row = tell.ServerMessage
Rows = Callable[[], list[Row]]


class Feed:
    """A subscription whose rows are told when they differ from what was told before."""

    def __init__(self, client: Client, rows: Rows) -> None:
        self._client, self._rows = client, rows
        self._told: dict[object, Row] = {}
        self._before: list[Row] = []
        self.refresh()

    def refresh(self) -> bool:
        """Tell what has changed; whether anything has."""
        rows = self._rows()
        if rows == self._before:
            return False
        self._before = rows
        changed = False
        for row in rows:
            key = _key(row)
            if self._told.get(key) != row:
                self._told[key] = row
                self._client.say(row)
                changed = True
        return changed


class Accounts:
    """Account values, positions, summaries and profits of one client's subscriptions.

    Positions are told as soon as they change, account values and profits after the gateway's own intervals.
    """

    def __init__(self, client: Client) -> None:
        self._client, self._house = client, client.house
        self._answers = client.house.broker.answers
        self._positions: dict[object, Feed] = {}
        self._values: dict[object, Feed] = {}
        self._profits: dict[object, Feed] = {}
        self._closed = False
        self._ticking: set[str] = set()
        self.handlers: dict[type[ask.ClientMessage], Handler] = {
            ask.ReqPositions: self.positions,
            ask.CancelPositions: lambda asked: self._drop(self._positions, "all"),
            ask.ReqPositionsMulti: self.positions_multi,
            ask.CancelPositionsMulti: lambda asked: self._drop(self._positions, asked.req_id),
            ask.ReqAccountUpdates: self.updates,
            ask.ReqAccountUpdatesMulti: self.updates_multi,
            ask.CancelAccountUpdatesMulti: lambda asked: self._drop(self._values, asked.req_id),
            ask.ReqAccountSummary: self.summary,
            ask.CancelAccountSummary: lambda asked: self._drop(self._values, ("summary", asked.req_id)),
            ask.ReqPnl: self.pnl,
            ask.CancelPnl: lambda asked: self._drop(self._profits, asked.req_id),
            ask.ReqPnlSingle: self.pnl_single,
            ask.CancelPnlSingle: lambda asked: self._drop(self._profits, asked.req_id),
        }

    # -- positions

    def positions(self, asked: ask.ReqPositions) -> None:
        """Of every account, and again what changes; one that is closed is told once more, with nothing in it."""
        self._positions["all"] = Feed(self._client, self._with_closed(lambda: list(self._answers.positions())))
        self._client.say(tell.PositionEnd())

    def positions_multi(self, asked: ask.ReqPositionsMulti) -> None:
        account = self._account(asked.account)

        def rows() -> list[Row]:
            return [_multi(asked, each) for each in self._answers.positions() if each.account == account]

        self._positions[asked.req_id] = Feed(self._client, self._with_closed(rows))
        self._client.say(tell.PositionMultiEnd(req_id=asked.req_id))

    def positions_changed(self) -> None:
        """Tell what changed of the positions that somebody wants to hear of."""
        for feed in self._positions.values():
            if feed.refresh():
                self._refresh_values()

    # -- values

    def updates(self, asked: ask.ReqAccountUpdates) -> None:
        """Of one account at a time: another one takes its place."""
        self._values.pop("updates", None)
        if not asked.subscribe:
            return
        account = self._account(asked.account)
        clock = self._answers.account_time

        def rows() -> list[Row]:
            return [*self._answers.account_values(account), *self._answers.portfolio(account), clock()]

        self._values["updates"] = Feed(self._client, self._with_closed(rows))
        self._client.say(tell.AccountDownloadEnd(account=account))
        self._tick("values", self._house.rules.account_s, self._refresh_values)

    def updates_multi(self, asked: ask.ReqAccountUpdatesMulti) -> None:
        account = self._account(asked.account)

        def rows() -> list[Row]:
            return [
                tell.AccountUpdateMulti(
                    req_id=asked.req_id, account=each.account, model=asked.model,
                    key=each.key, value=each.value, currency=each.currency,
                )
                for each in self._answers.account_values(account)
            ]  # fmt: skip

        self._values[asked.req_id] = Feed(self._client, rows)
        self._client.say(tell.AccountUpdateMultiEnd(req_id=asked.req_id))
        self._tick("values", self._house.rules.account_s, self._refresh_values)

    def summary(self, asked: ask.ReqAccountSummary) -> None:
        """Raises Refused, 322, for more than the gateway allows at once."""
        key = ("summary", asked.req_id)
        held = [each for each in self._values if isinstance(each, tuple)]
        if key not in held and len(held) >= self._house.rules.summaries:
            raise Refused(322, f"{PROCESSING}Maximum number of account summary requests exceeded")
        if not asked.tags.strip():
            raise invalid("Please enter the tags of the account summary")

        def rows() -> list[Row]:
            found = self._answers.summary(asked.req_id, asked.tags)
            return [each for each in found if isinstance(each, tell.AccountSummary)]

        self._values[key] = Feed(self._client, rows)
        self._client.say(tell.AccountSummaryEnd(req_id=asked.req_id))
        self._tick("values", self._house.rules.account_s, self._refresh_values)

    # -- profit

    def pnl(self, asked: ask.ReqPnl) -> None:
        account = self._account(asked.account)
        self._profits[asked.req_id] = Feed(self._client, lambda: [self._answers.pnl(asked.req_id, account)])
        self._tick("profits", self._house.rules.profit_s, self._refresh_profits)

    def pnl_single(self, asked: ask.ReqPnlSingle) -> None:
        account = self._account(asked.account)
        none = tell.PnlSingle(req_id=asked.req_id, quantity=0.0, daily=0.0, unrealized=0.0, realized=0.0, value=0.0)

        def rows() -> list[Row]:
            return [self._answers.pnl_single(asked.req_id, account, asked.con_id) or none]

        self._profits[asked.req_id] = Feed(self._client, rows)
        self._tick("profits", self._house.rules.profit_s, self._refresh_profits)

    # -- going on

    def close(self) -> None:
        self._closed = True

    def _tick(self, name: str, seconds: float, refresh: Callable[[], None]) -> None:
        """Refresh after every interval as long as there is anything to refresh."""
        if name in self._ticking:
            return
        self._ticking.add(name)

        def again() -> None:
            feeds = self._values if name == "values" else self._profits
            if self._closed or not feeds:
                self._ticking.discard(name)
                return
            refresh()
            self._house.clock.later(seconds, again)

        self._house.clock.later(seconds, again)

    def _refresh_values(self) -> None:
        self._refresh(self._values.values())

    def _refresh_profits(self) -> None:
        self._refresh(self._profits.values())

    def _refresh(self, feeds: Iterable[Feed]) -> None:
        if self._house.link.up and not self._client.congested:
            for feed in feeds:
                feed.refresh()

    def _drop(self, feeds: dict[object, Feed], key: object) -> None:
        feeds.pop(key, None)

    def _account(self, name: str) -> str:
        """An account of this gateway; nothing means the first. Raises Refused, 321."""
        found = name or self._client.accounts[0]
        if found not in self._client.accounts:
            raise invalid(f"Invalid account code {name!r}")
        return found

    def _with_closed(self, rows: Rows) -> Rows:
        """Rows that also say, with a quantity of 0, what was among them before and no longer is."""
        known: dict[object, Row] = {}
        before: list[Row] = []

        def told() -> list[Row]:
            found = rows()
            if found == before:
                return list(known.values())
            before[:] = found
            now = {_key(row): row for row in found}
            for key, row in known.items():
                if key not in now:
                    now[key] = _emptied(row)
            known.update(now)
            return list(now.values())

        return told


def _key(row: Row) -> object:
    """What a row is about: the same in every row that takes its place."""
    match row:
        case tell.Position() | tell.PositionMulti() | tell.PortfolioValue():
            return type(row), row.account, row.contract.con_id
        case tell.AccountValue() | tell.AccountUpdateMulti():
            return type(row), row.account, row.key, row.currency
        case tell.AccountSummary():
            return type(row), row.account, row.tag, row.currency
    return type(row)


def _emptied(row: Row) -> Row:
    match row:
        case tell.Position() | tell.PositionMulti():
            return msgspec.structs.replace(row, quantity=0.0, average_cost=0.0)
        case tell.PortfolioValue():
            return msgspec.structs.replace(row, quantity=0.0, market_value=0.0, average_cost=0.0, unrealized=0.0)
    return row


def _multi(asked: ask.ReqPositionsMulti, each: tell.Position) -> tell.PositionMulti:
    return tell.PositionMulti(
        req_id=asked.req_id, account=each.account, contract=each.contract, quantity=each.quantity,
        average_cost=each.average_cost, model=asked.model,
    )  # fmt: skip
