"""The nouns of the protocol: contracts, orders and executions as both sides of the socket mean them.

Names are the protocol's, in our spelling. Prices and sizes are floats, as the protocol prints them: the exact integers
of the engine begin behind the broker and the port. None is "unset", which the wire spells in two ways.
"""

from __future__ import annotations

import msgspec


class ComboLeg(msgspec.Struct, frozen=True, kw_only=True):
    """One leg of a BAG. action: BUY or SELL, of the leg when the combo is bought."""

    con_id: int = 0
    ratio: int = 0
    action: str = ""
    exchange: str = ""
    open_close: int = 0
    short_sale_slot: int = 0
    designated_location: str = ""
    exempt_code: int = -1


class DeltaNeutral(msgspec.Struct, frozen=True):
    con_id: int
    delta: float
    price: float


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for or named. sec_type: STK, FUT, OPT, CASH, IND, BAG, CONTFUT; ETFs are STK. expiry: yyyymmdd, or
    yyyymm in a request; the protocol calls it lastTradeDateOrContractMonth. right: C, P or nothing."""

    con_id: int = 0
    symbol: str = ""
    sec_type: str = ""
    expiry: str = ""
    strike: float = 0.0
    right: str = ""
    multiplier: str = ""
    exchange: str = ""
    primary_exchange: str = ""
    currency: str = ""
    local_symbol: str = ""
    trading_class: str = ""
    include_expired: bool = False
    sec_id_type: str = ""
    sec_id: str = ""
    issuer_id: str = ""
    legs: tuple[ComboLeg, ...] = ()
    legs_description: str = ""
    description: str = ""
    delta_neutral: DeltaNeutral | None = None


class ContractDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a gateway says of one contract. trading_hours, liquid_hours:
    `20261120:0800-20261120:1630;20261121:CLOSED` in the zone `time_zone`. market_rule_ids stand by the positions of
    valid_exchanges. price_magnifier: 100 where prices are in pence."""

    contract: Contract
    market_name: str = ""
    min_tick: float = 0.01
    order_types: str = ""
    valid_exchanges: str = ""
    price_magnifier: int = 1
    under_con_id: int = 0
    long_name: str = ""
    contract_month: str = ""
    industry: str = ""
    category: str = ""
    subcategory: str = ""
    time_zone: str = ""
    trading_hours: str = ""
    liquid_hours: str = ""
    ev_rule: str = ""
    ev_multiplier: float = 0.0
    sec_ids: tuple[tuple[str, str], ...] = ()
    agg_group: int = 0
    under_symbol: str = ""
    under_sec_type: str = ""
    market_rule_ids: str = ""
    real_expiration_date: str = ""
    last_trade_time: str = ""
    stock_type: str = ""
    min_size: float = 1.0
    size_increment: float = 1.0
    suggested_size_increment: float = 1.0


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it is asked for. The first group is what the broker acts on; the second it carries and gives back.

    action: BUY or SELL.  oca_type: 1 cancel with block, 2 reduce with block, 3 reduce without.  what_if: only say what
    it would cost.  conditions and whatever else the simulated broker does not act on are refused, not lost.
    """

    order_id: int = 0
    client_id: int = 0
    perm_id: int = 0
    parent_id: int = 0
    action: str = ""
    quantity: float = 0.0
    order_type: str = ""
    limit: float | None = None
    aux: float | None = None
    tif: str = ""
    oca_group: str = ""
    oca_type: int = 0
    account: str = ""
    order_ref: str = ""
    transmit: bool = True
    outside_rth: bool = False
    good_after: str = ""
    good_till: str = ""
    trail_stop: float | None = None
    trail_percent: float | None = None
    all_or_none: bool = False
    display_size: int = 0
    algo_strategy: str = ""
    algo_params: tuple[tuple[str, str], ...] = ()
    combo_prices: tuple[float | None, ...] = ()
    combo_params: tuple[tuple[str, str], ...] = ()
    what_if: bool = False
    cash_quantity: float | None = None
    auto_cancel_parent: bool = False
    duration: int | None = None

    open_close: str = "O"
    origin: int = 0
    block: bool = False
    sweep: bool = False
    trigger_method: int = 0
    hidden: bool = False
    discretionary: float = 0.0
    fa_group: str = ""
    fa_method: str = ""
    fa_percentage: str = ""
    fa_profile: str = ""
    model_code: str = ""
    short_sale_slot: int = 0
    designated_location: str = ""
    exempt_code: int = -1
    rule_80a: str = ""
    settling_firm: str = ""
    min_quantity: int | None = None
    percent_offset: float | None = None
    e_trade_only: bool = False
    firm_quote_only: bool = False
    nbbo_cap: float | None = None
    auction_strategy: int = 0
    starting_price: float | None = None
    stock_ref_price: float | None = None
    delta: float | None = None
    stock_range_lower: float | None = None
    stock_range_upper: float | None = None
    override_constraints: bool = False
    volatility: float | None = None
    volatility_type: int | None = None
    delta_neutral_type: str = ""
    delta_neutral_aux: float | None = None
    delta_neutral_rest: tuple[str, ...] = ()
    continuous_update: bool = False
    reference_price_type: int | None = None
    basis_points: float | None = None
    basis_points_type: int | None = None
    scale_init_size: int | None = None
    scale_next_size: int | None = None
    scale_increment: float | None = None
    scale_rest: tuple[str, ...] = ()
    scale_table: str = ""
    active_start: str = ""
    active_stop: str = ""
    hedge_type: str = ""
    hedge_param: str = ""
    opt_out_smart: bool = False
    clearing_account: str = ""
    clearing_intent: str = ""
    not_held: bool = False
    algo_id: str = ""
    misc_options: str = ""
    solicited: bool = False
    randomize_size: bool = False
    randomize_price: bool = False
    benchmark: tuple[str, ...] = ()
    conditions: tuple[tuple[str, ...], ...] = ()
    conditions_ignore_rth: bool = False
    conditions_cancel: bool = False
    adjusted_type: str = ""
    trigger_price: float | None = None
    limit_offset: float | None = None
    adjusted_stop: float | None = None
    adjusted_stop_limit: float | None = None
    adjusted_trail: float | None = None
    adjusted_trail_unit: int = 0
    ext_operator: str = ""
    soft_tier: tuple[str, str, str] = ("", "", "")
    mifid: tuple[str, str, str, str] = ("", "", "", "")
    no_auto_price_for_hedge: bool = False
    is_oms: bool = False
    discretionary_up_to_limit: bool = False
    use_price_management: bool = False
    post_to_ats: int | None = None
    error_override: str = ""
    manual_time: str = ""
    min_trade_quantity: int | None = None
    min_compete_size: int | None = None
    compete_offset: float | None = None
    mid_offset_whole: float | None = None
    mid_offset_half: float | None = None


class OrderState(msgspec.Struct, frozen=True, kw_only=True):
    """What the broker says of an order besides itself. Margins and commissions are filled for what-if orders, and
    commissions once an order has filled. completed_*: of an order that has ended."""

    status: str = ""
    init_before: float | None = None
    maint_before: float | None = None
    equity_before: float | None = None
    init_change: float | None = None
    maint_change: float | None = None
    equity_change: float | None = None
    init_after: float | None = None
    maint_after: float | None = None
    equity_after: float | None = None
    commission: float | None = None
    min_commission: float | None = None
    max_commission: float | None = None
    commission_currency: str = ""
    warning: str = ""
    completed_time: str = ""
    completed_status: str = ""


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """One trade, or a correction of one (the last group of exec_id counts corrections). side: BOT or SLD.
    time: as the gateway prints it. liquidity: 1 added, 2 removed, 3 routed out, 0 unknown."""

    exec_id: str
    order_id: int
    client_id: int
    perm_id: int
    time: str
    account: str
    exchange: str
    side: str
    shares: float
    price: float
    cum_quantity: float
    avg_price: float
    order_ref: str = ""
    liquidation: int = 0
    ev_rule: str = ""
    ev_multiplier: float = 0.0
    model_code: str = ""
    liquidity: int = 0
    pending_revision: bool = False


class ExecutionFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which executions are asked for; what is empty or 0 lets everything pass. time: yyyymmdd hh:mm:ss or yyyymmdd-."""

    client_id: int = 0
    account: str = ""
    time: str = ""
    symbol: str = ""
    sec_type: str = ""
    exchange: str = ""
    side: str = ""


class HistoricalBar(msgspec.Struct, frozen=True):
    """A bar as it is printed: date is text, because its form depends on the request."""

    date: str
    open: float
    high: float
    low: float
    close: float
    volume: float
    average: float
    count: int
