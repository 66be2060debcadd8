"""When orders act by themselves: waiting for a quote or the link, repricing, time to live, overdue acknowledgements."""

from __future__ import annotations

from actors import pricing
from actors.contracts import Contracts
from actors.deadlines import Deadlines
from actors.order import Order
from actors.order_desk import OrderDesk
from actors.order_lease import GTD, OrderLease
from actors.pricing import ExecutionPolicy
from engine.effects import Effect, Journal, Tell, ToPort
from model.combos import as_legs, contracts_of, net_quote
from model.market import Quote, WatchQuotes
from model.order_events import OrderRenewed, OrderRepriced
from model.orders import CancelAtVenue, Intent, ModifyOrder, OrderType, Place, Side
from model.units import Px
from state.order_law import OrderEvent, OrderState, is_terminal

ACK, CANCEL, CHANGE, RUNG, TTL, WAIT = "ack", "cancel", "change", "rung", "ttl", "wait"
LIMITED = (OrderType.LIMIT, OrderType.LOO, OrderType.LOC)


class Pacing:
    """Deadlines, quotes and changes of orders. `link_up` is the venue's last word on the link.

    may_change: whether the mode allows an order to be modified.
    """

    def __init__(self, desk: OrderDesk, contracts: Contracts, policy: ExecutionPolicy, venue: str) -> None:
        self.desk = desk
        self.contracts = contracts
        self.policy = policy
        self.venue = venue
        self.link_up = True
        self.may_change = False
        self.deadlines = Deadlines("orders")
        self.lease = OrderLease(desk, self.deadlines, policy, venue)
        self.waiting: dict[str, Place] = {}
        self.quotes: dict[str, Quote] = {}
        self.watched: dict[str, int] = {}

    # -- quotes

    def watch(self, instrument: str) -> list[Effect]:
        """One more reason to hear quotes of an instrument, or of a combo's legs."""
        return [effect for each in contracts_of(instrument) for effect in self._watch(each)]

    def _watch(self, instrument: str) -> list[Effect]:
        reasons = self.watched.get(instrument, 0)
        self.watched[instrument] = reasons + 1
        return [] if reasons else [Tell(self.desk.clients.market_data, WatchQuotes(instrument, True))]

    def watch_again(self) -> list[Effect]:
        """Market data was built anew: without this, prices would follow the last quote until it is stale."""
        return [Tell(self.desk.clients.market_data, WatchQuotes(each, True)) for each in self.watched]

    def unwatch(self, instrument: str) -> list[Effect]:
        return [effect for each in contracts_of(instrument) for effect in self._unwatch(each)]

    def _unwatch(self, instrument: str) -> list[Effect]:
        reasons = self.watched.get(instrument, 0) - 1
        if reasons > 0:
            self.watched[instrument] = reasons
            return []
        self.quotes.pop(instrument, None)
        if self.watched.pop(instrument, None) is None:
            return []
        return [Tell(self.desk.clients.market_data, WatchQuotes(instrument, False))]

    def fresh(self, instrument: str) -> Quote | None:
        """A quote that may price an order; of a combo the net of its legs', each of which may."""
        now_ns, fresh_ns = self.desk.clock.now_ns, self.policy.quote_fresh_ns
        quotes = [self.quotes.get(each) for each in contracts_of(instrument)]
        found = [each for each in quotes if each is not None and pricing.two_sided(each, now_ns, fresh_ns)]
        if len(found) < len(quotes):
            return None
        return found[0] if len(found) == 1 else net_quote(instrument, found)

    def sane(self, intent: Intent) -> bool:
        """Whether the quotes are near the prices of the decision, leg by leg."""
        legs = ((leg, self.quotes[leg.instrument]) for leg in as_legs(intent))
        return all(pricing.sane(pricing.mid(quote), leg.reference, self.policy.sanity_bps) for leg, quote in legs)

    # -- waiting

    def wait(self, place: Place) -> list[Effect]:
        """Keep an intent until there is a quote to price it and a link to send it on, or until its patience ends."""
        intent = place.intent
        self.waiting[intent.id] = place
        self.deadlines.add(self.desk.clock.now_ns + self.policy.quote_wait_ns, WAIT, intent.id)
        needs = pricing.needs_quote(self.policy, intent)
        return (self.watch(intent.instrument) if needs else []) + self.deadlines.arm()

    def mates(self, intent: Intent) -> list[Place]:
        """Legs of an intent's pair that wait, itself among them; nothing for one that stands alone."""
        if not intent.pair:
            return []
        return [
            each
            for each in self.waiting.values()
            if each.intent.pair == intent.pair and each.intent.run_id == intent.run_id
        ]

    def together(self, intent: Intent) -> bool:
        """Legs leave together or not at all: whether each one that has not left waits here with a quote to price it."""
        if not intent.pair:
            return True
        waiting = self.mates(intent)
        legs = len(waiting)
        if legs < intent.legs:
            known = (each.intent for each in self.desk.book.orders.values())
            legs += sum(each.run_id == intent.run_id and each.pair == intent.pair for each in known)
        priced = [each.intent for each in waiting if pricing.needs_quote(self.policy, each.intent)]
        return legs >= intent.legs and all(self._priceable(each) for each in priced)

    def _priceable(self, intent: Intent) -> bool:
        quote = self.fresh(intent.instrument)
        return quote is not None and pricing.sane(pricing.mid(quote), intent.reference, self.policy.sanity_bps)

    def drop(self, intent_id: str) -> tuple[Place | None, list[Effect]]:
        """Stop waiting for an intent."""
        place = self.waiting.pop(intent_id, None)
        if place is None or not pricing.needs_quote(self.policy, place.intent):
            return place, []
        return place, self.unwatch(place.intent.instrument)

    # -- deadlines

    def started(self, order: Order, laddered: bool) -> list[Effect]:
        """Count the deadlines of an order that was just sent for the first time."""
        client_id, now_ns = order.spec.client_id, self.desk.clock.now_ns
        self.deadlines.add(now_ns + self.policy.ack_within_ns, ACK, client_id)
        if not laddered:
            return self.deadlines.arm()
        self.deadlines.add(now_ns + self.policy.reprice_every_ns, RUNG, client_id)
        self.deadlines.add(now_ns + self.policy.ttl_ns[order.intent.urgency], TTL, client_id)
        return self.watch(order.spec.instrument) + self.deadlines.arm()

    def recovered(self, order: Order) -> None:
        """An order found again after a restart still has its time to live."""
        if order.spec.tif is GTD:
            self.lease.watch(order.spec)
        if order.pending:
            self._expect(order)
        if order.wants_cancel:
            self._expect_cancel(order)
        if self.laddered(order):
            until_ns = order.planned_ns + self.policy.ttl_ns[order.intent.urgency]
            self.deadlines.add(max(until_ns, self.desk.clock.now_ns), TTL, order.spec.client_id)

    def laddered(self, order: Order) -> bool:
        """Whether the order manager itself chose the limit and follows the market with it."""
        return pricing.quoted(order.spec, order.intent)

    def rung(self, order: Order) -> list[Effect]:
        """The next reprice of a ladder, or its end."""
        client_id = order.spec.client_id
        if order.over:
            return self.unwatch(order.spec.instrument) if self.laddered(order) else []
        if order.rungs >= self.policy.most_reprices:
            return self.cancel(order)
        self.deadlines.add(self.desk.clock.now_ns + self.policy.reprice_every_ns, RUNG, client_id)
        return self.step_up(order)

    def step_up(self, order: Order) -> list[Effect]:
        """Move the limit one rung towards the collar, by a modify under the same id."""
        if not (self.laddered(order) and order.rungs < self.policy.most_reprices):
            return []
        contract = self.contracts[order.spec.instrument]
        quote = self.fresh(contract.id)
        side = order.spec.side
        base = order.arrival
        if quote is not None:
            base = quote.ask if side is Side.BUY else quote.bid
        limit = pricing.rung(contract, side, base, order.collar, order.rungs)
        return self.reprice(order, limit)

    def reprice(self, order: Order, limit: Px) -> list[Effect]:
        """Ask for a new limit; the quantity stays the intent's. Nothing happens while it may not be asked."""
        if order.pending or not self._changeable(order) or limit == order.limit:
            return []
        if order.collar:
            limit = pricing.within(self.contracts[order.spec.instrument], order.spec.side, limit, order.collar)
        order.rungs += 1
        change_id = self._next_change(order, limit)
        return self._change(order, OrderRepriced(order.spec.client_id, change_id, limit, self.desk.clock.now_ns))

    def renew(self, order: Order) -> list[Effect]:
        """Ask for a later good-till time, and think of it again; nothing for an order that has none or is over.

        A change that is not answered does not keep it back: the same limit is asked for once more.
        """
        if order.over or order.spec.tif is not GTD:
            return []
        self.lease.watch(order.spec)
        if not self._changeable(order):
            return []
        change_id, until_ns = self._next_change(order, order.wanted), self.lease.until_ns(order.spec)
        return self._change(order, OrderRenewed(order.spec.client_id, change_id, until_ns, self.desk.clock.now_ns))

    def _changeable(self, order: Order) -> bool:
        may = self.link_up and self.may_change
        # a cancel that was refused is still wanted: test_an_order_that_is_to_be_gone_is_not_changed
        return may and not order.wants_cancel and order.state is OrderState.WORKING and order.spec.type in LIMITED

    def _next_change(self, order: Order, limit: Px) -> str:
        order.change(f"{order.spec.client_id}/{order.changes + 1}", limit, self.desk.clock.now_ns)
        self._expect(order)
        return order.pending

    def _expect(self, order: Order) -> None:
        self.deadlines.add(self.desk.clock.now_ns + self.policy.ack_within_ns, CHANGE, order.spec.client_id)

    def unanswered(self, order: Order) -> list[Effect]:
        """A change that is not answered in time is looked up, until the venue's open orders settle it."""
        if not order.pending or self.desk.clock.now_ns < order.limit_ns + self.policy.ack_within_ns:
            return []
        self._expect(order)
        return self.desk.query(order.spec.client_id) if self.link_up else []

    def _change(self, order: Order, row: OrderRepriced | OrderRenewed) -> list[Effect]:
        """A change as it is journalled and asked for; whatever it is for, it renews the good-till time too."""
        until_ns = self.lease.until_ns(order.spec)
        return [
            Journal(row),
            *self.desk.move(order, OrderEvent.MODIFY_SENT),
            ToPort(self.venue, ModifyOrder(order.spec.client_id, row.change_id, order.asked, expires_ns=until_ns)),
            *self.deadlines.arm(),
        ]

    def cancel(self, order: Order) -> list[Effect]:
        """Ask for a cancel once; while the link is down it waits. An order proven absent is then not sent again."""
        order.wants_cancel = True
        if order.cancel_asked or is_terminal(order.state) or order.state is OrderState.LOST or not self.link_up:
            return []
        order.cancel_asked = True
        self._expect_cancel(order)
        effects = self.desk.move(order, OrderEvent.CANCEL_SENT)
        effects.append(ToPort(self.venue, CancelAtVenue(order.spec.client_id)))
        return effects + self.deadlines.arm()

    def cancel_later(self, order: Order | None) -> list[Effect]:
        """A cancel did not leave or did nothing: it is asked for again when the link is back, or soon."""
        if order is None or order.over:
            return []
        order.cancel_asked, order.wants_cancel = False, True
        self._expect_cancel(order)
        return self.deadlines.arm()

    def cancel_found(self, order: Order | None) -> list[Effect]:
        """An order that nobody wants turns out to be there, and no cancel is on its way."""
        return [] if order is None or not order.wants_cancel else self.cancel(order)

    def uncancelled(self, order: Order) -> list[Effect]:
        """A cancel was not answered in time; asking again does no harm. Of an unknown order the reconciler asks."""
        if order.over or not order.wants_cancel or self.desk.clock.now_ns < order.cancel_ns:
            return []
        if order.state is not OrderState.WORKING or not self.link_up:
            self._expect_cancel(order)
            return []
        order.cancel_asked = False
        return self.cancel(order)

    def _expect_cancel(self, order: Order) -> None:
        order.cancel_ns = self.desk.clock.now_ns + self.policy.ack_within_ns
        self.deadlines.add(order.cancel_ns, CANCEL, order.spec.client_id)

    def overdue(self, order: Order) -> list[Effect]:
        """The acknowledgement did not come in time."""
        if order.state is OrderState.DURABLE or order.state is OrderState.SENT:
            return self.desk.move(order, OrderEvent.ACK_OVERDUE)
        return []
