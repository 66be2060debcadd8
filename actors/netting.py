"""From what every sleeve wants to the fewest orders that give it: pure, exact, with a reason for all that is left out.

For each product the sleeves' targets are summed, never overwritten. What sleeves trade with each other inside the net
needs no order; the rest becomes one intent per contract whose shares sum to its signed quantity.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from actors.contracts import Contract, Contracts
from actors.order_book import FOREIGN
from actors.plan_legs import Leg, in_groups
from actors.roll_split import Parts, split_roll
from model.combos import calendar_spread, legs_of, net
from model.decisions import CycleOpened, Denial, NavMarked, Targets, Want
from model.market import FxSnapshot, Quality
from model.orders import Intent, Purpose, Share, Side, Urgency, intent_id
from model.units import CASH_SCALE, PX_SCALE, Cash, Px, Qty, cash_float, div_half_even, qty_float

BPS = 10_000
REASON = 400  # characters of an intent's reason


class BasketPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What is too small to trade.

    min_notional: in base currency; never blocks a full close, a roll or a reduction.  drift_bps: a change smaller than
    this share of the larger of position and target waits; never blocks a full close, a first entry or a roll.
    roll_as_spread: what a roll moves from one contract to the next is one order for the calendar spread.
    """

    min_notional: Cash = 2_500 * CASH_SCALE
    drift_bps: int = 0
    roll_as_spread: bool = False


class Crossing(msgspec.Struct, frozen=True, gc=False):
    """Sleeves trade with each other in one contract; shares sum to zero."""

    instrument: str
    price: Px
    shares: tuple[Share, ...]


class Plan(msgspec.Struct, frozen=True, gc=False):
    """What one run would send, what sleeves settle among themselves, and what was left out and why."""

    intents: tuple[Intent, ...]
    crossings: tuple[Crossing, ...]
    left_out: tuple[Denial, ...]


class Sides(msgspec.Struct, gc=False):
    """One product, sleeve by sleeve: what is held in each contract, and what is wanted in all."""

    held: Mapping[str, Mapping[str, Qty]]
    current: dict[str, Qty]
    target: dict[str, Qty]
    wants: list[tuple[str, Want]]
    holding: list[str]

    def moving(self) -> list[str]:
        """The sleeves whose own position is to change."""
        both = {**self.current, **self.target}
        return [name for name in both if self.current.get(name, 0) != self.target.get(name, 0)]


Held = Mapping[str, Mapping[str, Mapping[str, Qty]]]


class Netting:
    """Plans one run. `busy` are contracts with an order still open: they are left alone."""

    def __init__(
        self, contracts: Contracts, policy: BasketPolicy, sleeves: Sequence[str], busy: Mapping[str, int]
    ) -> None:
        self.contracts = contracts
        self.policy = policy
        self.sleeves = tuple(sleeves)
        self.busy = busy

    def plan(self, cycle: CycleOpened, portfolio: NavMarked, fx: FxSnapshot, targets: Mapping[str, Targets]) -> Plan:
        """The run's intents, sells before buys, most urgent first.

        A pair with a leg that cannot be sent is taken out of every product and the rest is planned anew: other sleeves
        that trade the same products are none of its business.
        """
        held, quality = holdings(portfolio)
        wants = {name: {want.product: want for want in each.wants} for name, each in targets.items()}
        products = dict.fromkeys(held)
        for each in wants.values():
            products.update(dict.fromkeys(each))
        run = Run(self, cycle, portfolio, fx, targets, wants, quality, {})
        for product in products:
            run.net(product, held.get(product, {}))
        while len(run.broken) > len(run.known):
            before, broken = run, run.broken.keys() - run.known.keys()
            run = Run(self, cycle, portfolio, fx, targets, wants, quality, before.broken)
            run.left_out.update((name, each) for name, each in before.left_out.items() if each.code != "PAIR")
            for product in products:
                if _trades_any(product, wants, broken):
                    run.net(product, held.get(product, {}))
                else:
                    run.keep(product, before)
        return run.finish()


def _trades_any(product: str, wants: Mapping[str, Mapping[str, Want]], pairs: Collection[str]) -> bool:
    """Whether a leg of one of these pairs (`sleeve:pair`) is in this product."""
    mine = ((sleeve, each.get(product)) for sleeve, each in wants.items())
    return any(want is not None and f"{sleeve}:{want.pair}" in pairs for sleeve, want in mine)


class Run:
    """The work on one plan: legs by product, and why a product is left out, said once.

    broken: why a pair (`sleeve:pair`) is not traded; those `known` from the start hold.
    """

    def __init__(
        self, netting: Netting, cycle: CycleOpened, portfolio: NavMarked, fx: FxSnapshot,
        targets: Mapping[str, Targets], wants: Mapping[str, Mapping[str, Want]], quality: Mapping[str, Quality],
        known: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.netting = netting
        self.policy = netting.policy
        self.cycle = cycle
        self.prices = portfolio.prices
        self.fx = fx
        self.targets = targets
        self.wants = wants
        self.quality = quality
        self.known = known
        self.legs: dict[str, list[Leg]] = {}
        self.left_out: dict[str, Denial] = {}
        self.broken: dict[str, str] = dict(known)

    def keep(self, product: str, before: Run) -> None:
        """Take what was planned for a product before: nothing that has changed since concerns it."""
        if product in before.legs:
            self.legs[product] = before.legs[product]
        if product in before.left_out:
            self.left_out.setdefault(product, before.left_out[product])

    def net(self, product: str, held: Mapping[str, Mapping[str, Qty]]) -> None:
        """Plan one product, or say why not."""
        sides = self._sides(product, held)
        to = self.cycle.contracts.get(product, "")
        old = [name for name in held if name != to]
        if self.known:
            self._hold_broken(product, sides)
        if sides.holding:
            self._break_pairs(sides, sides.holding, f"{product} holds")
        if sides.target == sides.current and not old:
            return
        objection = self._objection(product, to, old, sides)
        if objection is not None:
            self._leave_out(product, *objection)
            self._break_pairs(sides, sides.moving(), objection[0])
            return
        contract = self.netting.contracts[to]
        current, target = sum(sides.current.values()), self._whole_lots(sides, contract)
        blocked = self._too_small(current, target, contract, self.prices[to])
        if blocked is not None:
            self._leave_out(product, *blocked)
            self._break_pairs(sides, sides.moving(), blocked[0])
            sides.target, target = dict(sides.current), current
            if not old:
                return
        self.legs[product] = self._legs(product, contract, sides, old, current, target)

    def _sides(self, product: str, held: Mapping[str, Mapping[str, Qty]]) -> Sides:
        current: dict[str, Qty] = {}
        for parts in held.values():
            for sleeve, quantity in parts.items():
                current[sleeve] = current.get(sleeve, 0) + quantity
        target = dict(current)
        wants: list[tuple[str, Want]] = []
        holding: list[str] = []
        for sleeve in self.netting.sleeves:
            given = self.targets.get(sleeve)
            want = None if given is None else self.wants[sleeve].get(product)
            if want is not None:
                wants.append((sleeve, want))
            if given is None or (want.hold if want is not None else _unseen(given, product)):
                holding.append(sleeve)
            elif want is not None and want.quantity:
                target[sleeve] = want.quantity
            else:
                target.pop(sleeve, None)
        if len(held) > 1:
            current, target = _without_noughts(current), _without_noughts(target)
        return Sides(held, current, target, wants, holding)

    def _objection(self, product: str, to: str, old: Sequence[str], sides: Sides) -> tuple[str, str] | None:
        """Why nothing of this product may change now."""
        quality = self.cycle.degraded.get(product, Quality.GOOD)
        if quality is not Quality.GOOD:
            return "DEGRADED", f"the price of {product} is {quality.name}; the position stays"
        if not to:
            return "NO_CONTRACT", f"no contract of {product} is named for this cycle"
        contract = self.netting.contracts.get(to)
        if contract is None or not contract.tradeable:
            return "NOT_TRADEABLE", f"{to} may not be traded"
        for name in (to, *old):
            if self.netting.busy.get(name):
                return "ORDER_OPEN", f"an order in {name} is still open"
            if not self.prices.get(name):
                return "NO_PRICE", f"no trusted price of {name}"
            if self.quality.get(name, Quality.GOOD) is not Quality.GOOD:
                return "DEGRADED", f"the price of {name} is {self.quality[name].name}; the position stays"
        rate = self.fx.rates.get(contract.currency)
        if rate is None or rate.quality is not Quality.GOOD:
            return "STALE_FX", f"no good rate of {contract.currency}"
        return None

    def _whole_lots(self, sides: Sides, contract: Contract) -> Qty:
        """The net target in whole lots; the sleeve that moves most takes what rounding adds."""
        total = sum(sides.target.values())
        if total % contract.lot:
            off = contract.to_lot(total) - total
            moved = {
                name: abs(sides.target.get(name, 0) - sides.current.get(name, 0))
                for name in {**sides.current, **sides.target}
            }
            taker = max(moved, key=lambda name: moved[name])
            sides.target[taker] = sides.target.get(taker, 0) + off
            total += off
        return total

    def _too_small(self, current: Qty, target: Qty, contract: Contract, price: Px) -> tuple[str, str] | None:
        """The band that keeps a change from being traded."""
        delta = target - current
        if not delta or not target:
            return None
        larger = max(abs(current), abs(target))
        if current and abs(delta) * BPS < self.policy.drift_bps * larger:
            return "BAND", f"a change of {qty_float(delta):+g} is inside the band around {qty_float(current):+g}"
        if _reduces(current, target):
            return None
        rate = self.fx.rates[contract.currency].rate
        notional = div_half_even(abs(contract.money(price * delta)) * rate, PX_SCALE)
        if notional < self.policy.min_notional:
            least = cash_float(self.policy.min_notional)
            return "MIN_NOTIONAL", f"{cash_float(notional):,.2f} of the base currency is less than {least:,.2f}"
        return None

    # -- legs

    def _legs(
        self, product: str, contract: Contract, sides: Sides, old: Sequence[str], current: Qty, target: Qty
    ) -> list[Leg]:
        """What leaves the old contracts, and what the held one changes by; a roll is one pair, or a spread."""
        roll = f"roll:{product}" if old and target else ""
        urgency, pairs, reason = _together(sides)
        here = sides.held.get(contract.id, {})
        shares = {sleeve: sides.target.get(sleeve, 0) - here.get(sleeve, 0) for sleeve in {**here, **sides.target}}
        legs: list[Leg] = []
        if roll and len(old) == 1 and self.policy.roll_as_spread:
            split = split_roll(sides.held[old[0]], shares)
            if split is not None:
                return self._spread(contract, old[0], split, urgency, pairs, reason)
        for name in old:
            gone = {sleeve: -quantity for sleeve, quantity in sides.held[name].items()}
            purpose = Purpose.ROLL if roll else Purpose.REDUCE
            legs += self._leg(self.netting.contracts[name], gone, purpose, True, urgency, pairs, reason)
        reduces = not old and _reduces(current, target)
        plain = Purpose.REDUCE if reduces else Purpose.REBALANCE
        legs += self._leg(contract, shares, Purpose.ROLL if roll else plain, reduces, urgency, pairs, reason)
        if len(legs) > 1:
            for place, leg in enumerate(legs):
                leg.leg = place
                if roll:
                    leg.pairs = (roll,)
        return legs

    def _spread(
        self, contract: Contract, old: str, split: tuple[Parts, Parts, Parts], urgency: Urgency,
        pairs: tuple[str, ...], reason: str,
    ) -> list[Leg]:  # fmt: skip
        """A roll as one order for both contracts; what the position changes by besides is an order of its own."""
        moved, less, more = split
        known = self.netting.contracts
        combo = known[calendar_spread(contract.product, old, contract.id)]
        legs = self._leg(combo, moved, Purpose.ROLL, False, urgency, (), reason)
        legs += self._leg(known[old], less, Purpose.REDUCE, True, urgency, pairs, reason)
        legs += self._leg(contract, more, Purpose.REBALANCE, False, urgency, pairs, reason)
        for place, leg in enumerate(legs):
            leg.leg = place
        return legs

    def _leg(
        self, contract: Contract, parts: Mapping[str, Qty], purpose: Purpose, reduces: bool, urgency: Urgency,
        pairs: tuple[str, ...], reason: str,
    ) -> list[Leg]:  # fmt: skip
        """The change of one contract; with a quantity of zero sleeves only trade with each other."""
        shares = tuple([Share(sleeve, quantity) for sleeve, quantity in parts.items() if quantity])
        if not shares:
            return []
        combo = legs_of(contract.id)
        price = net(combo, self.prices) if combo else self.prices[contract.id]
        leg = Leg(contract, sum(parts.values()), shares, purpose, price, reduces, urgency, pairs, reason)
        leg.leg_references = tuple([self.prices[each.instrument] for each in combo])
        return [leg]

    # -- pairs

    def _leave_out(self, product: str, code: str, text: str) -> None:
        """Say why nothing of a product is sent, once: what broke a pair is said by the product that did."""
        if product not in self.left_out:
            self.left_out[product] = Denial(code, product, text)

    def _break_pairs(self, sides: Sides, sleeves: Sequence[str], why: str) -> None:
        for sleeve, want in sides.wants:
            if want.pair and sleeve in sleeves:
                self.broken.setdefault(f"{sleeve}:{want.pair}", why)

    def _hold_broken(self, product: str, sides: Sides) -> None:
        """A sleeve whose pair is not traded keeps what it has of this product."""
        for sleeve, want in sides.wants:
            pair = f"{sleeve}:{want.pair}"
            if pair in self.known and sleeve in sides.moving():
                self._leave_out(product, "PAIR", f"another leg of {pair} is not sent: {self.known[pair]}")
                sides.target.pop(sleeve, None)
                if sleeve in sides.current:
                    sides.target[sleeve] = sides.current[sleeve]

    def finish(self) -> Plan:
        """Name the groups of legs that go together, and put the intents in order."""
        legs = in_groups([leg for each in self.legs.values() for leg in each])
        orders = [leg for leg in legs if leg.quantity]
        orders.sort(key=lambda leg: (-leg.urgency, leg.quantity > 0, not leg.reduces))
        intents = tuple([self._intent(leg) for leg in orders])
        crossings = tuple([Crossing(leg.contract.id, leg.reference, leg.shares) for leg in legs if not leg.quantity])
        return Plan(intents, crossings, tuple(self.left_out.values()))

    def _intent(self, leg: Leg) -> Intent:
        side = Side.BUY if leg.quantity > 0 else Side.SELL
        run_id, quantity = self.cycle.run_id, abs(leg.quantity)
        return Intent(
            id=intent_id(run_id, leg.contract.id, side, quantity, "net", leg.leg, 0), run_id=run_id,
            instrument=leg.contract.id, side=side, quantity=quantity, purpose=leg.purpose, shares=leg.shares,
            reference=leg.reference, leg=leg.leg, pair=leg.group, legs=leg.legs, urgency=leg.urgency,
            reduces=leg.reduces, reason=leg.reason, leg_references=leg.leg_references,
        )  # fmt: skip


def holdings(portfolio: NavMarked) -> tuple[Held, dict[str, Quality]]:
    """product -> contract -> sleeve -> what it holds, and the quality of each contract's price."""
    held: dict[str, dict[str, Mapping[str, Qty]]] = {}
    quality: dict[str, Quality] = {}
    for line in portfolio.lines:
        name = line.instrument
        quality[name] = line.quality
        contracts = held.setdefault(name.partition("@")[0], {})
        parts = line.sleeve_quantities
        if FOREIGN in parts or 0 in parts.values():
            parts = {sleeve: each for sleeve, each in parts.items() if each and sleeve != FOREIGN}
        if parts:
            contracts[name] = parts
    return held, quality


def _together(sides: Sides) -> tuple[Urgency, tuple[str, ...], str]:
    """Urgency, pairs (`sleeve:pair`) and reasons of all sleeves that want a product."""
    wants = sides.wants
    if len(wants) == 1 and not wants[0][1].pair:
        sleeve, want = wants[0]
        return want.urgency, (), f"{sleeve}: {want.reason}"[:REASON]
    moving = sides.moving()
    named = [f"{sleeve}:{want.pair}" for sleeve, want in wants if want.pair and sleeve in moving]
    urgency = max((want.urgency for _, want in wants), default=Urgency.NORMAL)
    reason = "; ".join(f"{sleeve}: {want.reason}" for sleeve, want in wants)
    return urgency, tuple(dict.fromkeys(named)), reason[:REASON]


def _without_noughts(parts: dict[str, Qty]) -> dict[str, Qty]:
    return {name: each for name, each in parts.items() if each}


def _unseen(given: Targets, product: str) -> bool:
    """Whether a sleeve that names no target for a product did not see what it needs, and so keeps what it has."""
    return bool(given.degraded) and (not given.wants or product in given.degraded)


def _reduces(current: Qty, target: Qty) -> bool:
    """Smaller, and not through zero."""
    return abs(target) < abs(current) and current * target >= 0
