"""Bugs of prices, limits and modes: what is believed, what is counted, and what is allowed."""

from __future__ import annotations

from tests.seeded_bugs.bug import Bug

RISK = (
    Bug(
        "pence_are_believed",
        "A quote in pence prices an order of pounds: nobody compares it with the price of the decision.",
        "a feed changes its unit by 100: London lines in pence, bought as pounds by an earlier system",
        "actors.pricing",
        "    return reference == 0 or abs(price - reference) * BPS <= abs(reference) * bps",
        "    return price > 0",
    ),
    Bug(
        "close_in_pence_is_believed",
        "A close a hundred times the last one is taken for a move.",
        "a feed changes its unit by 100: London lines in pence, bought as pounds by an earlier system",
        "actors.price_book",
        "            if close >= price * jump or price >= close * jump:\n                trusted = False",
        "            if close >= price * jump * jump or price >= close * jump * jump:\n                trusted = False",
    ),
    Bug(
        "stale_quote_prices_an_order",
        "Any quote prices an order, however old.",
        "data stale while connected: nautilus_trader#4298, Lean#9742",
        "actors.pricing",
        "        and now_ns - quote.at_ns <= fresh_ns\n",
        "",
    ),
    Bug(
        "reprice_ignores_the_collar",
        "Each change of price goes a percent further, past the worst price that the order may show.",
        "an exit that is too violent: freqtrade#4999",
        "actors.order_pacing",
        "            limit = pricing.within(self.contracts[order.spec.instrument], "
        "order.spec.side, limit, order.collar)",
        "            limit = order.limit + order.spec.side * (order.limit // 100)",
    ),
    Bug(
        "halted_is_told_nobody",
        "The mode is written down, and those who place orders are not told.",
        "a control plane beside the trading: hummingbot#8012",
        "actors.system",
        "            effects += [Tell(each, changed) for each in self.listeners]\n",
        "            effects += [Tell(each, changed) for each in self.listeners if self.mode is not Mode.HALTED]\n",
    ),
    Bug(
        "order_size_is_not_checked",
        "The limit on one order's size is asked with the wrong sign.",
        "fat-finger limits that never bind",
        "actors.risk_gate",
        "        if not notional <= order_cap:",
        "        if notional <= -order_cap:",
    ),
    Bug(
        "working_orders_are_no_exposure",
        "Limits count what is held, and not what may still fill.",
        "double sell on exit: freqtrade#13332",
        "actors.exposures",
        "        self.orders[order] = Working(instrument, side, quantity, quantity, counted, notional)\n"
        "        self._add(line, side, counted, quantity - counted)",
        "        self.orders[order] = Working(instrument, side, quantity, quantity, counted, notional)",
    ),
    Bug(
        "turnover_starts_anew_on_restart",
        "What was traded in a session before a restart is not counted in it.",
        "limits that a restart lifts: richkuo/go-trader#1448",
        "actors.risk_gate",
        "            if counted and not reduces:\n",
        "            if counted and reduces:\n",
    ),
    Bug(
        "session_begins_with_every_cycle",
        "A second decision in one session counts as a new day: the boundary is off by one.",
        "session boundaries: Lean#6722",
        "actors.risk_gate",
        "        if told.cycle.session > self.session:",
        "        if told.cycle.session >= self.session:",
    ),
    Bug(
        "a_leg_goes_alone",
        "One leg of a pair cannot be traded, and the other one is.",
        "partial execution of pairs leaves one-legged hedges: nautilus_trader#2704",
        "actors.netting",
        "            if want.pair and sleeve in sleeves:\n",
        "            if want.pair and not sleeve:\n",
    ),
)
