"""Bugs of executions and money: what is counted, how often, and what is believed of a comparison."""

from __future__ import annotations

from tests.seeded_bugs.bug import Bug

FILLS = (
    Bug(
        "fills_wait_for_readiness",
        "Executions that arrive before the start is complete are dropped, as if nothing could trade before.",
        "a fill happened, the event never came: nautilus_trader#3869, Lean.Brokerages.InteractiveBrokers#249",
        "actors.orders",
        "        return self.reports.fill(fill)",
        "        return None if self.mode in (Mode.BOOT, Mode.RECONCILING) else self.reports.fill(fill)",
    ),
    Bug(
        "fills_of_a_snapshot_are_ignored",
        "The comparison asks for executions, and nobody takes those that it brings.",
        "start-up sync is only logged: ib_async#82, #128",
        "actors.reconciler",
        "        return [*(Tell(self.orders, fill) for fill in snapshot.fills), ask]",
        "        return [ask]",
    ),
    Bug(
        "fill_before_its_ack_is_refused",
        "An execution of an order that was not acknowledged yet is refused.",
        "fill before acknowledgement: nautilus_trader#3949",
        "actors.order_reports",
        "        if fill.exec_id in order.executions:\n            return []",
        "        if fill.exec_id in order.executions or not order.venue_id:\n            return []",
    ),
    Bug(
        "fill_keyed_by_order",
        "Two executions of one order and one size are taken for one.",
        "fills without an execution id: nautilus_trader#3493, #3878",
        "actors.order_reports",
        "        if fill.exec_id in order.executions:\n            return []",
        "        if any(each.quantity == fill.quantity for each in order.executions.values()):\n            return []",
    ),
    Bug(
        "late_fill_is_ignored",
        "An execution after the end of its order is ignored.",
        "time-out cancelled an order that filled: freqtrade#3647, nautilus_trader#3949",
        "actors.order_reports",
        "        ended = is_terminal(order.state)\n",
        "        ended = is_terminal(order.state)\n        if ended:\n            return []\n",
    ),
    Bug(
        "partial_fill_of_an_unknown_order_is_dropped",
        "While an order is unknown only its full execution counts.",
        "partial fills lost in reconciliation: nautilus_trader#2704, #3435",
        "actors.order_reports",
        "        ended = is_terminal(order.state)\n",
        "        ended = is_terminal(order.state)\n"
        "        if order.state is OrderState.UNKNOWN and fill.quantity < order.remaining:\n            return []\n",
    ),
    Bug(
        "venue_number_finds_the_order",
        "An execution is given to the order with the venue's number, and the venue's numbers roll back.",
        "order ids roll back and callbacks hit two orders: Lean.Brokerages.InteractiveBrokers#242, ib_insync#644",
        "actors.order_reports",
        "        order = self.desk.book.orders.get(fill.client_id)\n        if order is None:\n"
        "            return self._stray(fill)",
        "        known = self.desk.book.orders\n"
        "        named = (each for each in known.values() if fill.venue_id and each.venue_id == fill.venue_id)\n"
        "        order = next(named, None) or known.get(fill.client_id)\n"
        "        if order is None:\n            return self._stray(fill)",
    ),
    Bug(
        "executions_forgotten_on_restart",
        "After a restart an order knows how much is filled, and not by which executions: the next sweep "
        "counts them again.",
        "restart invents fills: nautilus_trader#3046, #3185",
        "actors.order",
        "        self._give(leg, filled.shares, 1)\n"
        "        self.executions[fill.exec_id] = Execution(fill.quantity, filled.shares, leg)",
        "        self._give(leg, filled.shares, 1)",
    ),
    Bug(
        "correction_is_added",
        "A corrected execution counts on top of the one that it replaces.",
        "corrections and busts that arrive as one more execution: Interactive Brokers' `execDetails`",
        "actors.books",
        "            self._apply(_undone(replaced), fill.at_ns)\n",
        "",
    ),
    Bug(
        "fee_of_a_split_fill_is_kept",
        "A fee is booked with the first execution of an order only.",
        "wallet differs from book: freqtrade#7586, #2478",
        "actors.books",
        "        if done.fee:\n            self._charge(done, at_ns)",
        "        if done.fee and position.quantity == done.quantity:\n            self._charge(done, at_ns)",
    ),
    Bug(
        "cash_move_booked_twice",
        "After a restart a dividend that is in the journal is not known by its name, and booked once more.",
        "wallet differs from book: freqtrade#11007",
        "actors.portfolio",
        "        if self.books.first_time(row.move.id, row.move.at_ns):\n            self.books.move_cash(row.move)",
        "        self.books.move_cash(row.move)",
    ),
    Bug(
        "settlement_booked_twice",
        "After a restart a settlement that is in the journal is not known by its name, and booked once more.",
        "a redeploy loses what it knew: Lean#6722, vnpy#257",
        "actors.portfolio",
        "        if self.books.first_time(row.settlement.id, row.settlement.at_ns):\n"
        "            self.books.settle(row.settlement)",
        "        self.books.settle(row.settlement)",
    ),
    Bug(
        "names_of_payments_lost_in_the_snapshot",
        "The snapshot keeps cash and not the names of what moved it.",
        "a redeploy loses what it knew: Lean#7048",
        "actors.books_kept",
        "    books.seen_ids = dict(zip(kept.seen_ids, times, strict=True))\n",
        "",
    ),
    Bug(
        "truncated_answer_is_believed",
        "An answer of the venue that breaks off is taken for all there is.",
        "a time-out read as an empty account: ib_async#128, nautilus_trader#3185",
        "actors.reconciler",
        "        if not snapshot.complete:\n"
        '            return self._incomplete("the snapshot is not complete")\n        self.taken = snapshot',
        "        self.taken = snapshot = msgspec.structs.replace(snapshot, complete=True)",
    ),
    Bug(
        "reconciler_aligns_the_book",
        "A position that differs is set to the venue's, without a fact and without a word.",
        "the book is aligned by invention: nautilus_trader#3176, #3046",
        "actors.comparison",
        "            if ours != theirs.get(name, 0):\n                text",
        "            if ours != theirs.get(name, 0):\n"
        "                self.books.position(name).quantity = theirs.get(name, 0)\n"
        "                continue\n                text",
    ),
    Bug(
        "order_of_ours_is_left_alone",
        "An order with our prefix that the journal does not know is taken for somebody else's.",
        "the bot forgets orders that are on the exchange: hummingbot#3915, #720",
        "actors.evidence",
        "    missing = set(known.unknown)\n",
        "    missing: set[str] = set()\n",
    ),
    Bug(
        "foreign_orders_are_adopted",
        "An order without our prefix is taken over, and cancelled with our own.",
        "manual and foreign orders: hummingbot#3214, nautilus_trader#1190",
        "actors.evidence",
        "    return tuple(order.client_id for order in snapshot.orders if order.client_id.startswith(ORDER_PREFIX))",
        "    return tuple(order.client_id for order in snapshot.orders)",
    ),
    Bug(
        "position_break_is_not_locked",
        "A position that differs from the venue's is written down, and its instrument goes on trading.",
        "wallet differs from book and trading goes on: freqtrade#7586",
        "actors.reconciler",
        "            if each.severity is Severity.LOCK and each.kind not in OF_ORDERS:",
        '            if each.severity is Severity.LOCK and each.kind not in (*OF_ORDERS, "POSITION"):',
    ),
)
