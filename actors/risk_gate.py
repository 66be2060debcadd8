"""The last check before an order: what is held, what is working at its worst, and what one more order would make of it.

Exposures are floats in base currency, used for comparisons only. Every comparison is written so that NaN denies.
"""

from __future__ import annotations

import collections
import copy
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import structs

from actors.denials import DENIAL_CODES
from actors.exposures import Exposures, Holding, Line, leg_key
from actors.margin import UNASKED, MarginWord, Rising
from model.combos import as_legs, contracts_of, legs_of, worth
from model.decisions import Approved, CycleFx, Denial, Mode, NavMarked, Propose
from model.instruments import Instrument
from model.orders import Filled, Intent, Purpose, Side
from model.units import CASH_SCALE, NS_PER_SECOND, Qty

_MINUTE_NS: Final = 60 * NS_PER_SECOND
INF: Final = float("inf")
NAN: Final = float("nan")
LIMIT_CODES: Final = ("ORDER_SIZE", "TURNOVER", "INSTRUMENT_CAP", "GROSS", "NET")
MARGIN_CODES: Final = ("MARGIN", "MARGIN_UNKNOWN")
BUY, ROLL, FLATTEN, TRADING = Side.BUY, Purpose.ROLL, Purpose.FLATTEN, Mode.TRADING


class GateLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Shares are of net asset value.  max_instrument_share: of any product, unless `instrument_shares` names it.

    collar_share: how far a limit may be from the reference price.  min_gap_ns: between two orders of one contract.
    min_margin_cushion: least share of equity that must be available after orders that add risk, where the venue tells.
    """

    max_gross_leverage: float = 2.0
    max_net_leverage: float = 1.0
    max_order_share: float = 0.10
    max_daily_turnover_share: float = 0.50
    max_instrument_share: float = INF
    instrument_shares: dict[str, float] = {}
    collar_share: float = 0.05
    max_orders_per_minute: int = 600
    max_intents_per_run: int = 500
    min_gap_ns: int = 0
    min_margin_cushion: float = 0.0


class RiskGate:
    """Answers proposals. State is what a restart needs: exposures, locks, mode, and which intents were approved."""

    def __init__(self, instruments: Mapping[str, Instrument], limits: GateLimits) -> None:
        self.limits = limits
        self.exposures = Exposures(instruments)
        self.mode = Mode.BOOT
        self.nav = NAN
        self.session = 0
        self.turnover = 0.0
        self.locked: dict[str, str] = {}
        self.answers: dict[str, Approved] = {}
        self.seen: dict[str, int] = {}
        self._times: collections.deque[int] = collections.deque()
        self._unvalued: list[tuple[Holding, float]] = []
        self._caps = (NAN, NAN, NAN, NAN)
        self._shares = limits.instrument_shares

    def open_cycle(self, told: CycleFx, nav: NavMarked) -> None:
        """Take the cycle's prices, rates and positions; a new session starts a new turnover account."""
        if told.cycle.session > self.session:
            self._new_session(told.cycle.session)
        self.exposures.mark(told, nav)
        self.turnover += sum(size * owner.unit for owner, size in self._unvalued)
        self._unvalued.clear()
        self.nav = nav.nav / CASH_SCALE
        limits = self.limits
        self._caps = (
            limits.max_order_share * self.nav,
            limits.max_daily_turnover_share * self.nav,
            limits.max_gross_leverage * self.nav,
            limits.max_net_leverage * self.nav,
        )

    def known(self, propose: Propose) -> Approved | None:
        """The answer of before, when the basket asks the same again."""
        known = self.answers.get(name_of(propose))
        return known if known is not None and known.run_id == propose.run_id else None

    def rising(self, propose: Propose, now_ns: int) -> list[Intent]:
        """The intents that would be approved by everything but margin, and add risk. Nothing changes."""
        noted = Rising()
        answer, _ = self._trial(propose).propose(propose, now_ns, noted)
        approved = {each.id for each in answer.intents}
        return [each for each in noted.intents if each.id in approved]

    def _trial(self, propose: Propose) -> RiskGate:
        """The same gate once more, for this proposal; what a proposal cannot change is shared, not copied."""
        tried = copy.copy(self)
        tried.exposures = self.exposures.trial(
            name for intent in propose.intents for name in contracts_of(intent.instrument)
        )
        tried.answers, tried.seen, tried._times = dict(self.answers), dict(self.seen), self._times.copy()
        return tried

    def propose(self, propose: Propose, now_ns: int, margin: MarginWord = UNASKED) -> tuple[Approved, bool]:
        """Approve or deny every intent; True when the basket asked the same before and this is the same answer.

        Legs of one pair are approved together or not at all.
        """
        intents = propose.intents
        known = self.known(propose)
        if known is not None:
            return known, True
        approved: list[Intent] = []
        denials: list[Denial] = []
        broken: dict[str, str] = {}
        too_many = len(intents) > self.limits.max_intents_per_run
        for intent in intents:
            code = "RUN_SIZE" if too_many else "PAIR" if intent.pair in broken else self.check(intent, now_ns, margin)
            if code is None:
                approved.append(self._honest(intent))
                continue
            denials.append(self._denial(code, intent, margin.text))
            if intent.pair:
                broken[intent.pair] = code
        if broken:
            for leg in [each for each in approved if each.pair in broken]:
                approved.remove(leg)
                self.take_back(leg)
                denials.append(self._denial("PAIR", leg))
        answer = Approved(name_of(propose), propose.run_id, tuple(approved), tuple(denials), now_ns)
        if propose.sender == "basket":
            self.answers[answer.id] = answer
        return answer, False

    def filled(self, filled: Filled) -> None:
        """Take a fill. What a correction replaces is known to the portfolio alone: the next cycle's mark brings it."""
        fill = filled.fill
        if not fill.corrects:
            self.exposures.filled(fill.instrument, fill.side.value * fill.quantity)

    def fold_session(self, session: int) -> None:
        """A decision of this session was journalled: what is folded after it belongs to it."""
        if session > self.session:
            self._new_session(session)

    def fold_approved(self, approved: Approved) -> None:
        """Take an approval back from the journal. Its turnover is valued with the next rates."""
        self.answers[approved.id] = approved
        for intent in approved.intents:
            self.seen[intent.id] = approved.at_ns
            if not legs_of(intent.instrument):
                self._fold_working(intent, intent.id)
                continue
            legs = as_legs(intent)
            for leg in legs:
                self._fold_working(leg, leg_key(intent.id, leg.instrument))
            if all(self.exposures.works(leg_key(intent.id, leg.instrument)) for leg in legs):
                self.exposures.work_legs(intent.id, intent.instrument)

    def _fold_working(self, intent: Intent, key: str) -> None:
        line = self.exposures.meet(intent.instrument)
        if line is not None:
            reduces = intent.reduces or (key != intent.id and line.reduces(intent.side, intent.quantity))
            counted = intent.quantity - self._rolled(line, intent)
            self.exposures.work(key, intent.instrument, intent.side, intent.quantity, counted, 0.0)
            if counted and not reduces:
                self._unvalued.append((line.owner, float(abs(intent.reference) * counted)))

    def check(self, intent: Intent, now_ns: int, margin: MarginWord = UNASKED) -> str | None:
        """The code of the first rule that the intent breaks, or None; an intent that passes counts as working.

        A combo is checked leg by leg, as the orders that it stands for; it passes when all of them do.
        """
        combo = legs_of(intent.instrument)
        code = self._check_legs(intent, now_ns, margin) if combo else self._check(intent, intent.id, now_ns, margin)
        if code is not None:
            return code
        if self._too_many(now_ns):
            self.turnover -= self.exposures.withdraw(intent.id)
            return "RATE"
        self.seen[intent.id] = now_ns
        for name in contracts_of(intent.instrument):
            self.exposures.lines[name].approved_ns = now_ns
        return None

    def _check_legs(self, intent: Intent, now_ns: int, margin: MarginWord) -> str | None:
        if intent.limit and not abs(intent.limit - intent.reference) <= self.limits.collar_share * worth(intent):
            return "PRICE_COLLAR"
        passed: list[str] = []
        for leg in as_legs(intent):
            key = leg_key(intent.id, leg.instrument)
            code = self._check(leg, key, now_ns, margin)
            if code is not None:
                self.turnover -= sum(self.exposures.withdraw(each) for each in passed)
                return code
            passed.append(key)
        self.exposures.work_legs(intent.id, intent.instrument)
        return None

    def _check(self, intent: Intent, key: str, now_ns: int, margin: MarginWord) -> str | None:
        quantity, reference = intent.quantity, intent.reference
        line = self.exposures.lines.get(intent.instrument) or self.exposures.meet(intent.instrument)
        if line is None:
            return "UNKNOWN_INSTRUMENT"
        if quantity <= 0 or reference == 0:
            return "INVALID"
        if intent.id in self.seen:
            return "DUPLICATE"
        owner, side = line.owner, intent.side
        reduces = line.reduces(side, quantity)
        rolled = self._rolled(line, intent)
        code = self._forbidden(intent, owner.product, reduces, rolled == quantity)
        if code is not None:
            return code
        if owner.blocked and intent.purpose is not FLATTEN:
            return owner.blocked
        if intent.limit and not abs(intent.limit - reference) <= self.limits.collar_share * abs(reference):
            return "PRICE_COLLAR"
        notional = 0.0
        if not reduces and rolled < quantity:
            notional = abs(reference) * owner.unit * (quantity - rolled)
            code = self._over(owner, side, quantity - rolled, notional) or margin.against(intent)
            if code is not None:
                return code
        gap_ns = self.limits.min_gap_ns
        if gap_ns and line.approved_ns and now_ns - line.approved_ns < gap_ns:
            return "TOO_SOON"
        self.turnover += notional
        self.exposures.work(key, intent.instrument, side, quantity, quantity - rolled, notional)
        return None

    def _rolled(self, line: Line, intent: Intent) -> Qty:
        """How much of an intent only takes over what other contracts of its product hold."""
        if intent.purpose is not ROLL:
            return 0
        return min(intent.quantity, self.exposures.room_to_roll(line, intent.side))

    def _honest(self, intent: Intent) -> Intent:
        """An approved intent, without a claim to reduce that its position does not bear out: lower modes rely on it."""
        if (
            not intent.reduces
            or intent.purpose is ROLL
            or self.exposures.lines[intent.instrument].reduces(intent.side, 0)
        ):
            return intent
        return structs.replace(intent, reduces=False)

    def take_back(self, intent: Intent) -> None:
        """Undo one approval of this proposal: its pair was denied."""
        self.turnover -= self.exposures.withdraw(intent.id)
        del self.seen[intent.id]

    def _new_session(self, session: int) -> None:
        """Turnover starts anew; approvals that nobody acted on are void."""
        self.session, self.turnover = session, 0.0
        self._unvalued.clear()
        self.answers.clear()
        self.exposures.forget_unheard()
        self.seen = {intent: at for intent, at in self.seen.items() if self.exposures.works(intent)}

    def _forbidden(self, intent: Intent, product: str, reduces: bool, rolls: bool) -> str | None:
        """What mode and locks say. A claim to reduce counts only when the position bears it out."""
        mode = self.mode
        if mode is not TRADING:
            if mode is not Mode.REDUCE_ONLY:
                return "MODE"
            if not (intent.reduces and (reduces or rolls)):
                return "REDUCE_ONLY"
        if self.locked and not reduces and (intent.instrument in self.locked or product in self.locked):
            return "LOCKED"
        return None

    def _over(self, owner: Holding, side: Side, quantity: int, notional: float) -> str | None:
        """The limit that one more order would break. One that makes its product no larger breaks none but the net one:
        a short turned into as much of a long is no larger, and may stand beside other longs."""
        order_cap, turnover_cap, gross_cap, net_cap = self._caps
        if not self.nav > 0.0:
            return "NAV_UNKNOWN"
        if not notional <= order_cap:
            return "ORDER_SIZE"
        if not self.turnover + notional <= turnover_cap:
            return "TURNOVER"
        price = owner.price or notional / quantity
        before, book = owner.gross, self.exposures
        if side is BUY:
            up = (owner.position + owner.buys + quantity) * price
            gross, net = max(up, -owner.down), book.up + up - owner.up
        else:
            down = (owner.position - owner.sells - quantity) * price
            gross, net = max(owner.up, -down), owner.down - down - book.down
        if gross > before:
            if not gross <= self._shares.get(owner.product, self.limits.max_instrument_share) * self.nav:
                return "INSTRUMENT_CAP"
            if not book.gross + gross - before <= gross_cap:
                return "GROSS"
        return None if net <= net_cap else "NET"

    def _too_many(self, now_ns: int) -> bool:
        """Whether one more order would be too many in a minute; it is counted when not."""
        times = self._times
        while times and times[0] <= now_ns - _MINUTE_NS:
            times.popleft()
        if len(times) >= self.limits.max_orders_per_minute:
            return True
        times.append(now_ns)
        return False

    def _denial(self, code: str, intent: Intent, margin: str = "") -> Denial:
        figures = margin if code in MARGIN_CODES else self._figures(code, intent)
        return Denial(code, intent.instrument, f"{DENIAL_CODES[code].meaning}{figures}", intent.id)

    def _figures(self, code: str, intent: Intent) -> str:
        """The numbers behind a limit that was broken, in base currency."""
        line = self.exposures.lines.get(intent.instrument)
        if line is None or code not in LIMIT_CODES:
            return ""
        order_cap, turnover_cap, gross_cap, net_cap = self._caps
        share = self._shares.get(line.owner.product, self.limits.max_instrument_share)
        book = self.exposures
        now, cap = {
            "ORDER_SIZE": (0.0, order_cap),
            "TURNOVER": (self.turnover, turnover_cap),
            "GROSS": (book.gross, gross_cap),
            "NET": (book.up if intent.side is BUY else book.down, net_cap),
            "INSTRUMENT_CAP": (line.owner.gross, share * self.nav),
        }[code]
        notional = abs(intent.reference) * line.owner.unit * intent.quantity
        return f": {now:,.0f} and an order of {notional:,.0f} against {cap:,.0f}"


def name_of(propose: Propose) -> str:
    """The name of the answer to a proposal: the same proposal always gives the same."""
    return f"ap-{propose.intents[0].id}" if propose.intents else f"ap-{propose.run_id}"
