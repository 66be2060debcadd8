"""What a person decides about the connection, and how patient the port is with the gateway."""

from __future__ import annotations

import enum

import msgspec


class AccountMode(enum.StrEnum):
    PAPER = "paper"
    LIVE = "live"


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds. No wait in the port is without one of these.

    connect: socket, handshake and first answers.  answer: for each part of a look.  look_gap: between the looks that
    together prove absence.  heartbeat: between questions for the server's time.  silence: after which an unanswered one
    means that the socket is half open.  settle: after the upstream link is back, before anything is believed.
    commission: how long an execution waits for its commission.  first_tick: for a subscription to show life.
    id_in_use: before the same client id is tried again.  refused: before an account that may not be traded is looked at
    again.  first_wait, longest_wait: the back-off between sessions.  cancel: before a cancel of which nothing is heard
    is looked up and asked again.  cash: how long cash may stay behind an execution.  history: for a piece of the past.
    """

    connect_s: float = 10.0
    answer_s: float = 10.0
    look_gap_s: float = 5.0
    heartbeat_s: float = 15.0
    silence_s: float = 10.0
    settle_s: float = 2.0
    commission_s: float = 1.0
    first_tick_s: float = 20.0
    id_in_use_s: float = 10.0
    refused_s: float = 60.0
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    cancel_s: float = 3.0
    cash_s: float = 200.0
    history_s: float = 120.0


class IBSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One account at one gateway.

    account: the exact account id; paper accounts begin with D.  mode: `live` also wants the typed confirmation in
    `state_dir`.  state_dir: where the order ids and the confirmation are kept.  day_zone: the zone whose midnight
    begins the gateway's day; executions and completed orders are told since then.  messages_per_s: the gateway's limit.
    data_lines: market data subscriptions that the account has.  adaptive: instrument -> priority of IB's adaptive
    algorithm for its market and limit orders.  delayed: quotes that are delayed may lead to orders; for paper only.
    """

    account: str
    state_dir: str
    mode: AccountMode = AccountMode.PAPER
    host: str = "127.0.0.1"
    port: int = 4002
    client_id: int = 17
    day_zone: str = "America/New_York"
    messages_per_s: int = 50
    data_lines: int = 100
    adaptive: dict[str, str] = {}
    delayed: bool = False
    patience: Patience = Patience()
