"""Oracles of a drill at a broker: the journal against what the gateway itself has written, and nothing of the engine's
memory. They are those of the proof (simulation/prove) where these can be seen from outside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from scripts.broker_room import CAPITAL, CURRENCY, PACE, BrokerRoom, Kept
from scripts.drill_room import judge_files

CASH_SCALE, CENT = 1_000_000, 10_000
SIDES = {"BOT": 1, "SLD": -1}
FILLED = "Filled"
SETTLED_NS = 5 * PACE * 10**9
"""What left before a halt has arrived after five of our seconds."""

OVER = ("FILLED", "CANCELLED", "REJECTED", "EXPIRED", "LOST")


def judge_now(room: BrokerRoom) -> list[str]:
    """What has to hold at every moment, also between a kill and the next start."""
    kept = room.kept()  # first: what the journal has later is no excuse for an order that was there before
    return judge_files(room) + _orders(room, kept) + _executions(room, kept, at_rest=False)


def judge_rest(room: BrokerRoom) -> list[str]:
    """What has to hold once everything has ended, was told and was compared."""
    kept = room.kept()
    wrong = judge_files(room) + _orders(room, kept) + _executions(room, kept, at_rest=True) + _ends(room, kept)
    return wrong + _money(room, kept) + _halts(room, kept)


def _orders(room: BrokerRoom, kept: Kept) -> list[str]:
    """At most one order for each reference, and none without an earlier durable plan."""
    planned = {row["spec"]["client_id"]: row["at_ns"] for _, row in room.rows("OrderPlanned")}
    times = Counter(one["order"]["order_ref"] for one in kept.tickets)
    wrong = [f"{times[name]} orders at the broker under {name}" for name in times if times[name] > 1]
    for one in kept.tickets:
        name = one["order"]["order_ref"]
        if name not in planned:
            wrong.append(f"an order at the broker that the journal never planned: {name!r}, {one['status']}")
        elif planned[name] > one["created_ns"]:
            wrong.append(f"{name} was at the broker {(planned[name] - one['created_ns']) / 1e9:.3f} s before its plan")
    return wrong


def _executions(room: BrokerRoom, kept: Kept, *, at_rest: bool) -> list[str]:
    """Every execution of the broker is booked once; while something is under way the books may lack some."""
    theirs = {
        one["execution"]["exec_id"]: (
            one["execution"]["order_ref"], SIDES[one["execution"]["side"]], one["quantity"], one["price"], one["fee"]
        )
        for one in kept.trades
    }  # fmt: skip
    booked = [row["fill"] for _, row in room.rows("Filled")]
    ours = {f["exec_id"]: (f["client_id"], f["side"], f["quantity"], f["price"], f["fee"]) for f in booked}
    times = Counter(f["exec_id"] for f in booked)
    wrong = [f"execution {name} was booked {times[name]} times" for name in times if times[name] > 1]
    if at_rest:
        wrong += _few("an execution that the books lost: {}", set(theirs) - set(ours))
        wrong += _few("an execution that the broker never gave: {}", set(ours) - set(theirs))
    for name in ours.keys() & theirs.keys():
        if ours[name] != theirs[name]:
            wrong.append(f"execution {name} is {ours[name]} in the books and {theirs[name]} at the broker")
    return wrong


def _ends(room: BrokerRoom, kept: Kept) -> list[str]:
    """Every order has ended, on both sides in the same way."""
    states = {row["client_id"]: row["now"] for _, row in room.rows("OrderMoved")}
    there = {one["order"]["order_ref"]: one for one in kept.tickets}
    wrong = [f"{one['order']['order_ref']} is {one['status']} at the broker at rest" for one in kept.at_work]
    for _, row in room.rows("OrderPlanned"):
        name = row["spec"]["client_id"]
        state, ticket = states.get(name, "PLANNED"), there.get(name)
        full = ticket is not None and ticket["status"] == FILLED
        if state not in OVER or (state == "FILLED") is not full or (ticket is not None and state == "LOST"):
            wrong.append(f"{name} is {state} in the journal and {ticket['status'] if ticket else 'unknown'} there")
    return wrong


def _money(room: BrokerRoom, kept: Kept) -> list[str]:
    """Positions are the broker's to the lot and cash to the cent, by what the journal alone says."""
    positions: Counter[str] = Counter()
    money: Counter[str] = Counter({CURRENCY: CAPITAL * CASH_SCALE})
    for _, row in room.rows("Filled"):
        fill = row["fill"]
        positions[fill["instrument"]] += fill["side"] * fill["quantity"]
        money[fill["fee_currency"]] -= fill["fee"]
    for _, row in room.rows("VariationFound"):
        money[row["currency"]] += sum(line["amount"] for line in row["lines"]) + row["residual"]
    for _, row in room.rows("VenueCashMoved"):
        money[row["move"]["currency"]] += row["move"]["amount"]
    money.subtract(kept.cash)
    wrong = [
        f"the journal holds {positions[name] / 1e8:g} of {name}, the broker {kept.positions.get(name, 0) / 1e8:g}"
        for name in sorted({*positions, *kept.positions})
        if positions[name] != kept.positions.get(name, 0)
    ]
    return wrong + [
        f"the journal counts {money[name] / CASH_SCALE:.4f} {name} more than the broker has"
        for name in sorted(money)
        if abs(money[name]) >= CENT
    ]


def _halts(room: BrokerRoom, kept: Kept) -> list[str]:
    """While it is halted nothing new is planned, and nothing new comes to the broker."""
    modes = room.rows("ModeEntered")
    wrong = []
    for (seq, row), (last_seq, last) in pairwise([*modes, (1 << 62, {"at_ns": 1 << 62})]):
        if row["mode"] != "HALTED":
            continue
        wrong += [
            f"{plan['spec']['client_id']} was planned while it was halted ({row['reason']})"
            for number, plan in room.rows("OrderPlanned", seq)
            if number < last_seq
        ]
        wrong += [
            f"{one['order']['order_ref']} came to the broker after a halt ({row['reason']})"
            for one in kept.tickets
            if row["at_ns"] + SETTLED_NS < one["created_ns"] < last["at_ns"]
        ]
    return wrong


def _few(text: str, found: Iterable[str]) -> list[str]:
    return [text.format(one) for one in sorted(found)[:3]]
