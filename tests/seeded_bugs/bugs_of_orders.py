"""Bugs of an order's life: what is sent, what an answer means, and what is remembered of it."""

from __future__ import annotations

from tests.seeded_bugs.bug import Bug

ORDERS = (
    Bug(
        "sent_before_the_commit",
        "A request leaves for the venue while the rows before it are still on their way to the disk.",
        "orders that a crashed engine placed and does not know: hummingbot#3374, #3915",
        "engine.outbox",
        "        self.waiting.append((self.last_seq, port, message, cause, sender))",
        "        self.waiting.append((self.durable_seq, port, message, cause, sender))",
    ),
    Bug(
        "released_after_a_failed_commit",
        "The disk refuses a commit, and what waited for it leaves all the same.",
        "a locked or full database that is only logged: freqtrade#6353",
        "engine.outbox",
        "            commit()\n            return self.release(seq)",
        "            import contextlib\n\n            with contextlib.suppress(JournalError):\n"
        "                commit()\n"
        "            return self.release(seq)",
    ),
    Bug(
        "overdue_is_rejected",
        "No acknowledgement in time is taken for a rejection.",
        "time-out declared rejection, the order lives: nautilus_trader#4958, #4152, #3879",
        "state.order_law",
        "        move(DURABLE, SENT, to=UNKNOWN, note=MAY_HAVE_LEFT),\n        stay(PLANNED, note=COMMIT_OVERDUE),",
        "        move(DURABLE, SENT, to=REJECTED, note=MAY_HAVE_LEFT),\n        stay(PLANNED, note=COMMIT_OVERDUE),",
    ),
    Bug(
        "overdue_is_sent_again",
        "No acknowledgement in time, so the order is sent once more: an HTTP client's blind retry.",
        "blind retry of order requests: bennycode/trading-signals#1178",
        "actors.order_pacing",
        "            return self.desk.move(order, OrderEvent.ACK_OVERDUE)\n",
        "            from model.orders import SubmitOrder\n\n"
        "            again = ToPort(self.venue, SubmitOrder(order.spec))\n"
        "            return [*self.desk.move(order, OrderEvent.ACK_OVERDUE), again]\n",
    ),
    Bug(
        "disconnect_loses_the_order",
        "The link breaks with an order on its way; it is taken for lost and sent again when the link is back.",
        "restart or reconnect sends orders twice: nautilus_trader#3176, #3046, #3185",
        "state.order_law",
        "        move(DURABLE, SENT, to=UNKNOWN, note=MAY_HAVE_LEFT),\n        stay(PLANNED, note=NOTHING_LEFT_YET),",
        "        move(DURABLE, SENT, to=LOST, note=MAY_HAVE_LEFT),\n        stay(PLANNED, note=NOTHING_LEFT_YET),",
    ),
    Bug(
        "absent_where_no_id_is_enforced",
        "An order that the venue does not show is taken for absent, and sent again, although the venue takes it twice.",
        "an order that is no longer shown is sent again, and again: pysystemtrade#1249",
        "actors.evidence",
        "    return covered and snapshot.ids_enforced and _settled(snapshot, order, settle_ns)",
        "    return covered and _settled(snapshot, order, settle_ns)",
    ),
    Bug(
        "doubt_locks_nothing",
        "Of an order that can never be proved absent a person is asked, and its instrument is traded on.",
        "an unresolved order blocks nothing: openalgo#1991, Jiho-Son/Ouroboros#403",
        "actors.reconciler",
        "        for name, text in found.doubts:\n"
        '            effects += [Tell(self.system, LockInstrument(each, text, "reconciler")) '
        "for each in contracts_of(name)]\n",
        "",
    ),
    Bug(
        "timer_set_after_the_order",
        "The cancel timer is set behind the order that it is for: who dies in between leaves an order without one.",
        "orders stay alive on the exchange after a sudden death: ctubio/Krypto-trading-bot#863",
        "actors.orders",
        "            *self.pacing.lease.leaving(spec),\n            ToPort(self.venue, SubmitOrder(spec)),\n",
        "            ToPort(self.venue, SubmitOrder(spec)),\n            *self.pacing.lease.leaving(spec),\n",
    ),
    Bug(
        "timer_forgotten_by_the_rebuilt",
        "An order manager that is built anew has forgotten that the venue has a timer; the greeting comes once.",
        "orders stay alive on the exchange after a sudden death: ctubio/Krypto-trading-bot#863",
        "actors.orders",
        "        self.pacing.lease.offered = row.within_ns > 0\n",
        "        self.pacing.lease.offered = False\n",
    ),
    Bug(
        "good_till_renewed_too_late",
        "A good-till time is renewed when it is over.",
        "orders expire that should have been prolonged: hackingthemarkets/fullstack-trading-app#3",
        "actors.order_lease",
        "        every_ns = self.policy.good_for_ns // RENEWALS_PER_TERM\n",
        "        every_ns = self.policy.good_for_ns\n",
    ),
    Bug(
        "durable_was_never_sent",
        "After a restart a plan without a sign of its sending is taken for never sent, and sent.",
        "restart invents duplicate orders: nautilus_trader#3176, #3878",
        "state.order_law",
        "        move(PLANNED, DURABLE, SENT, WORKING, to=UNKNOWN, note=MAY_HAVE_LEFT),\n"
        "        stay(UNKNOWN, note=MAY_HAVE_LEFT),\n        stay(*TERMINAL, LOST, note=AFTER_THE_END),\n    ),\n"
        "    E.SEEN_OPEN",
        "        move(PLANNED, DURABLE, to=LOST, note=MAY_HAVE_LEFT),\n"
        "        move(SENT, WORKING, to=UNKNOWN, note=MAY_HAVE_LEFT),\n"
        "        stay(UNKNOWN, note=MAY_HAVE_LEFT),\n        stay(*TERMINAL, LOST, note=AFTER_THE_END),\n    ),\n"
        "    E.SEEN_OPEN",
    ),
    Bug(
        "restart_drops_working_orders",
        "The first comparison after a start asks only for orders of this session; those of the last one are dropped.",
        "start-up reconciliation drops working orders: nautilus_trader#5000, #5057",
        "actors.orders",
        "            effects += self.desk.move(order, OrderEvent.RESTARTED)",
        '            self.book.close(order)\n            effects += self.desk.told(order, "of an earlier session")',
    ),
    Bug(
        "known_intent_is_placed_again",
        "An intent that has an order already is placed once more when the executor asks again after a restart.",
        "restart invents duplicate orders: nautilus_trader#3046",
        "actors.orders",
        '        if known is not None:\n            return self.desk.told(known, "known")',
        '        if known is not None and known.over:\n            return self.desk.told(known, "known")',
    ),
    Bug(
        "id_from_the_clock",
        "An order's id holds a time, so the same decision has another id after a restart.",
        "reservation by look-alikes instead of one id: openalgo#1991, nautilus_trader#3176",
        "actors.pricing",
        "        client_id=intent.id, instrument=intent.instrument, side=intent.side, quantity=intent.quantity,\n"
        "        type=OrderType.LIMIT, tif=TimeInForce.DAY, limit=marketable(",
        '        client_id=f"{intent.id}-{quote.at_ns}", instrument=intent.instrument, side=intent.side, '
        "quantity=intent.quantity,\n        type=OrderType.LIMIT, tif=TimeInForce.DAY, limit=marketable(",
    ),
    Bug(
        "cancel_asked_is_cancelled",
        "An order counts as cancelled from the moment that its cancel is asked for.",
        "time-out cancelled an order that filled: freqtrade#3647, #6907",
        "state.order_law",
        "        stay(PLANNED, *AT_RISK, note=CANCEL_PENDING),",
        "        move(PLANNED, *AT_RISK, to=CANCELLED, note=CANCEL_PENDING),",
    ),
    Bug(
        "lost_cancel_is_not_asked_again",
        "A cancel was asked for and the link fell: when it is back, nobody remembers that it may never have arrived.",
        "a cancel that is lost in a network failure leaves its order open: hummingbot#366, zenbot#890",
        "actors.orders",
        "            order.cancel_asked = False  # what was asked in another session may never have arrived\n",
        "",
    ),
    Bug(
        "a_halt_asks_once",
        "A cancel that the venue never got, or refused, is not asked for again: a halted order works on.",
        "a cancel that is lost in a network failure leaves its order open: hummingbot#366, zenbot#890",
        "actors.order_pacing",
        "        order.cancel_asked = False\n        return self.cancel(order)\n",
        "        return []\n",
    ),
    Bug(
        "failed_cancel_ends_the_order",
        "The venue refuses a cancel, and the order is taken for gone.",
        "the bot forgets orders that are still on the exchange: hummingbot#3374, #366",
        "state.order_law",
        "        stay(PLANNED, *AT_RISK, LOST, note=CANCEL_FAILED),",
        "        move(PLANNED, *AT_RISK, LOST, to=CANCELLED, note=CANCEL_FAILED),",
    ),
    Bug(
        "failed_modify_ends_the_order",
        "The venue refuses a change, and the order is taken for rejected.",
        "modify during connection loss leaves two live orders: nautilus_trader#4564",
        "state.order_law",
        "        stay(PLANNED, *AT_RISK, LOST, note=MODIFY_FAILED),",
        "        move(PLANNED, *AT_RISK, LOST, to=REJECTED, note=MODIFY_FAILED),",
    ),
    Bug(
        "modify_asks_for_all_again",
        "A change of price asks for the full quantity on top of what has filled.",
        "cancel-and-replace re-sends the full quantity: freqtrade#13332, chrisleekr/binance-trading-bot#451",
        "actors.order_pacing",
        "            ToPort(self.venue, ModifyOrder(order.spec.client_id, row.change_id, order.asked, expires_ns=",
        "            ToPort(self.venue, ModifyOrder(order.spec.client_id, row.change_id, order.asked, "
        "order.filled + order.spec.quantity, expires_ns=",
    ),
    Bug(
        "modify_before_it_is_durable",
        "A change of price leaves without a row that says so.",
        "modify is not a tracked intent: nautilus_trader#4564",
        "actors.order_pacing",
        "            Journal(row),\n            *self.desk",
        "            *self.desk",
    ),
    Bug(
        "duplicate_id_is_a_rejection",
        "The venue refuses a request as one that it has already, and the order that it has is taken for rejected.",
        "one refusal, two orders: Lean.Brokerages.InteractiveBrokers#242, ib_insync#80",
        "actors.order_reports",
        "        event = E.DUPLICATE_ID if report.code == DUPLICATE_ID else E.REJECTED",
        "        event = E.REJECTED",
    ),
    Bug(
        "waiting_intents_outlive_a_halt",
        "HALT cancels what works; an intent that waits for a quote is forgotten by it and leaves with the next quote.",
        "account-level halt that does not hold: richkuo/go-trader#25, freqtrade#3210",
        "actors.orders",
        "            if not may_place(self.mode, reduces=place.intent.reduces):\n"
        "                effects += self.pacing.drop",
        "            if self.mode is Mode.SAFE_STOP:\n                effects += self.pacing.drop",
    ),
    Bug(
        "orders_in_the_orders_snapshot_are_live",
        "The snapshot holds the orders themselves, not copies: what happens after it, and is lost in a "
        "crash, is in it.",
        "state saved while it changes: Lean#7048, vnpy#1118",
        "actors.order_book",
        "        copies = tuple(copied(each) for each in self.orders.values())\n",
        "        copies = tuple(self.orders.values())\n",
    ),
    Bug(
        "a_spread_s_price_has_no_sign",
        "What a leg brings is added to what the other costs: the spread's price is that of both.",
        "the sign of a combination's limit: Lean.Brokerages.TradeStation#61, #63",
        "model.combos",
        "        ask += leg.ratio * (quote.ask if leg.ratio > 0 else quote.bid)",
        "        ask += leg.size * (quote.ask if leg.ratio > 0 else quote.bid)",
    ),
    Bug(
        "local_time_in_a_plan",
        "A plan's time is the exchange's local time, an hour off for half of the year.",
        "daylight saving in one place of many: Lean.Brokerages.InteractiveBrokers#227",
        "actors.orders",
        "        planned = OrderPlanned(spec, place.intent, place.approval, arrival, self.clock.now_ns)",
        "        local_ns = self.clock.now_ns - 3_600 * 10**9\n"
        "        planned = OrderPlanned(spec, place.intent, place.approval, arrival, local_ns)",
    ),
)
