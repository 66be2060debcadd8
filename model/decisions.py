"""One decision cycle, from what is known to what is approved. A cycle is named by its `run_id`."""

from __future__ import annotations

import enum
import hashlib
from typing import ClassVar

import msgspec

from engine.message import Event, Lane, Message, WhenFull
from model.market import FxSnapshot, Quality
from model.orders import Intent, Urgency
from model.units import Cash, Px, Qty


class Mode(enum.Enum):
    """Modes of the system; the order is the way down."""

    BOOT = "BOOT"
    RECONCILING = "RECONCILING"
    OBSERVING = "OBSERVING"
    TRADING = "TRADING"
    REDUCE_ONLY = "REDUCE_ONLY"
    HALTED = "HALTED"
    SAFE_STOP = "SAFE_STOP"


class Regime(enum.Enum):
    NORMAL = "NORMAL"
    RECOVERY = "RECOVERY"
    ELEVATED = "ELEVATED"
    CRISIS = "CRISIS"


def run_id(program: str, session: int, number: int, inputs_hash: str) -> str:
    """Name of one run: the same program, session, run number and inputs always give the same name."""
    digest = hashlib.sha256(f"{program}|{session}|{number}|{inputs_hash}".encode()).hexdigest()[:12]
    return f"{session}.{number}.{program}.{digest}"


class Control(Message, frozen=True, gc=False):
    lane: ClassVar[Lane] = Lane.CONTROL
    bound: ClassVar[int] = 64
    when_full: ClassVar[WhenFull] = WhenFull.SAFE_STOP


class Halt(Control, frozen=True, gc=False):
    """Stop increasing risk now; cancel what is working by policy."""

    reason: str
    by: str


class Resume(Control, frozen=True, gc=False):
    """An operator's word to trade again, after HALTED, REDUCE_ONLY or OBSERVING."""

    reason: str
    by: str


class ReduceOnly(Control, frozen=True, gc=False):
    """From now on only orders that bring a position nearer to zero."""

    reason: str
    by: str


class ModeChanged(Control, frozen=True, gc=False):
    """system: this is the mode from now on."""

    mode: Mode
    reason: str


class ModeEntered(Event, frozen=True, gc=False):
    """The journalled form of a mode change."""

    mode: Mode
    was: Mode
    reason: str
    by: str
    at_ns: int


class InstrumentLocked(Event, frozen=True, gc=False):
    """Nothing that increases risk in this instrument until an operator releases it."""

    instrument: str
    reason: str
    at_ns: int


class InstrumentReleased(Event, frozen=True, gc=False):
    """An operator has looked at a locked instrument: it trades again."""

    instrument: str
    by: str
    reason: str
    at_ns: int


class CycleOpened(Message, frozen=True, gc=False):
    """market_data: every product's last bar is in; these are the ones that cannot be trusted.

    number: 1 for the first run of a session.  inputs_hash covers the prices seen; contracts maps each product to the
    contract to hold after this cycle's orders, rolling lists products whose position moves from the old contract to
    that one.  sessions: of each product's last GOOD bar; a sleeve that has seen less of it missed bars.
    """

    run_id: str
    program: str
    session: int
    number: int
    at_ns: int
    inputs_hash: str
    degraded: dict[str, Quality]
    contracts: dict[str, str]
    rolling: dict[str, str]
    sessions: dict[str, int] = msgspec.field(default_factory=dict)


class CycleFx(Message, frozen=True, gc=False):
    """fx -> regime, portfolio, risk: the cycle with the one snapshot of rates that it uses."""

    cycle: CycleOpened
    fx: FxSnapshot


class RegimeDecided(Event, frozen=True, gc=False):
    """regime: the regime of a session with the whole state of its machine, so that a fold restores it.

    Idempotent by session: the same session asked again gives the same answer.
    """

    lane: ClassVar[Lane] = Lane.WORK

    run_id: str
    session: int
    regime: Regime
    pending: Regime
    pending_days: int
    degraded: tuple[str, ...]
    why: str
    facts: dict[str, float]
    at_ns: int


class ExposureLine(msgspec.Struct, frozen=True, gc=False):
    """One position: exposure is price x quantity x multiplier in base currency."""

    instrument: str
    quantity: Qty
    price: Px
    quality: Quality
    currency: str
    exposure: Cash
    sleeve_quantities: dict[str, Qty]


class NavMarked(Message, frozen=True, gc=False):
    """portfolio: net asset value and exposures in base currency, marked with the cycle's rates.

    currency_exposure: money of each foreign currency that a rate change would revalue, in that currency.
    prices: the last trusted price of every contract that the cycle may trade and of every contract held.
    external_flows: deposits less withdrawals so far, in base currency; they are no profit and no drawdown.
    """

    run_id: str
    session: int
    nav: Cash
    cash: dict[str, Cash]
    gross: Cash
    net: Cash
    lines: tuple[ExposureLine, ...]
    currency_exposure: dict[str, Cash]
    sleeve_nav: dict[str, Cash]
    degraded: tuple[str, ...]
    at_ns: int
    prices: dict[str, Px] = msgspec.field(default_factory=dict)
    external_flows: Cash = 0


class RiskDecision(Event, frozen=True, gc=False):
    """risk: what every sleeve may do this cycle. `scale` multiplies risk-taking sleeves; hedges are not scaled."""

    lane: ClassVar[Lane] = Lane.WORK

    run_id: str
    session: int
    mode: Mode
    regime: Regime
    scale: float
    vol_annual: float
    drawdown: float
    nav: Cash
    why: str
    degraded: tuple[str, ...]
    at_ns: int
    external_flows: Cash = 0


class Decide(Message, frozen=True, gc=False):
    """risk -> sleeves: the risk decision with everything else a pure sleeve may look at."""

    cycle: CycleOpened
    fx: FxSnapshot
    risk: RiskDecision
    portfolio: NavMarked


class Want(msgspec.Struct, frozen=True, gc=False):
    """A wanted position in one product: signed quantity, and the reasons in words and numbers.

    hold: keep what there is (missing or stale input); quantity is then ignored.  pair: legs of one name are traded
    together or not at all.  urgency: the most urgent of the sleeves that move a contract decides for its order.
    """

    product: str
    quantity: Qty
    reason: str
    facts: dict[str, float]
    hold: bool = False
    pair: str = ""
    urgency: Urgency = Urgency.NORMAL


class Targets(Event, frozen=True, gc=False):
    """sleeve -> basket: the sleeve's whole target; a product it does not name it does not want.

    degraded names what was missing; a wholly degraded sleeve holds everything.
    """

    lane: ClassVar[Lane] = Lane.WORK

    run_id: str
    session: int
    sleeve: str
    wants: tuple[Want, ...]
    degraded: tuple[str, ...]
    at_ns: int


class Denial(msgspec.Struct, frozen=True, gc=False):
    """Why something was not sent. `code` is one of the table of denial codes."""

    code: str
    instrument: str
    text: str
    intent_id: str = ""


class Propose(Message, frozen=True, gc=False):
    """basket or a quoting sleeve -> risk: may these be sent?

    Risk answers with Approved: to the executor (pair) and to the basket; a quoting sleeve is named in `sender`.
    """

    run_id: str
    intents: tuple[Intent, ...]
    sender: str


class Approved(Event, frozen=True, gc=False):
    """risk: these may be sent, these not. Durable before anything leaves the process."""

    lane: ClassVar[Lane] = Lane.WORK

    id: str
    run_id: str
    intents: tuple[Intent, ...]
    denials: tuple[Denial, ...]
    at_ns: int


class RunPlanned(Event, frozen=True, gc=False):
    """basket: the run's proposal before risk, with what the bands and the cost gate left out."""

    run_id: str
    program: str
    session: int
    inputs_hash: str
    intents_hash: str
    intents: tuple[Intent, ...]
    left_out: tuple[Denial, ...]
    at_ns: int


class RunMoved(Event, frozen=True, gc=False):
    """The run ledger: PLANNED, SUBMITTED, FILLED, DONE or ABORTED."""

    run_id: str
    status: str
    reason: str
    at_ns: int


class DayMarked(Event, frozen=True, gc=False):
    """portfolio: the books at the end of a session, in base currency; cash + open variation = nav, exactly.

    flows_total: deposits less withdrawals since the start.  twr_index: time-weighted growth of 1.0 since the start.
    prices and rates (base currency per unit, 1e-9) are the ones used: a fold marks the books again with them.
    forgot_ns: settlements and cash moves of before are not known one by one any more, and not taken.
    """

    session: int
    nav: Cash
    cash_base: Cash
    open_value: Cash
    fees_total: Cash
    variation_total: Cash
    fx_total: Cash
    financing_total: Cash
    gross: Cash
    net: Cash
    cash: dict[str, Cash]
    positions: dict[str, Qty]
    sleeve_pnl: dict[str, Cash]
    traded_notional: Cash
    at_ns: int
    flows_total: Cash = 0
    twr_index: float = 1.0
    degraded: tuple[str, ...] = ()
    prices: dict[str, Px] = msgspec.field(default_factory=dict)
    rates: dict[str, Px] = msgspec.field(default_factory=dict)
    forgot_ns: int = 0
