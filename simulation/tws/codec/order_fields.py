"""The runs of fields that placeOrder, openOrder and completedOrder have in common, and what they hinge on."""

from __future__ import annotations

import math
from collections.abc import Callable

from simulation.tws.codec.contracts import LEGS, PAIRS
from simulation.tws.codec.kinds import BLANK_FLOAT, BLANK_INT, FLAG, FLOAT, INT, OFFSET, TEXT, Kind, nothing_as
from simulation.tws.codec.layout import Counted, Field, Part, Raw, Shaped, When

CONDITION_WIDTHS = {"1": 7, "3": 4, "4": 4, "5": 5, "6": 6, "7": 6}
"""Fields of a condition by its type: price, time, margin, execution, volume, change in percent."""
NONE_TYPE = nothing_as("None")
"""An order type that gateways write as None when there is none."""
NEUTRAL_USUAL = ("0", "", "", "", "?", "0", "0", "")
"""contract, settling firm, clearing account, clearing intent, open or close, short sale, its slot, its location."""
BENCHMARK_USUAL = ("0", "0", "0", "0", "")
SCALE_USUAL = ("", "", "", "0", "", "", "0")


def is_said(text: str) -> bool:
    return bool(text)


def is_benchmark(order_type: str) -> bool:
    return order_type in ("PEG BENCH", "PEGBENCH")


def is_best(order_type: str) -> bool:
    return order_type in ("PEG BEST", "PEGBEST")


def is_mid(order_type: str) -> bool:
    return order_type in ("PEG MID", "PEGMID")


def is_infinite(offset: float | None) -> bool:
    return offset == math.inf


def is_positive(increment: float | None) -> bool:
    return increment is not None and increment > 0


def always(order_type: str) -> bool:
    return True


def opening() -> tuple[Field, ...]:
    """From the profile of an allocation, which 177 removed, to the model."""
    return (Field("order.fa_profile", TEXT, until=176), Field("order.model_code", TEXT))


def allocation() -> tuple[Field, ...]:
    return (
        Field("order.fa_group", TEXT),
        Field("order.fa_method", TEXT),
        Field("order.fa_percentage", TEXT),
        *opening(),
    )


def legs() -> tuple[Part, ...]:
    return (
        Field("contract.legs", LEGS),
        Field("order.combo_prices", Counted(BLANK_FLOAT)),
        Field("order.combo_params", PAIRS),
    )


def neutral(test: Callable[[str], bool], said: tuple[int, ...] | None = None) -> When:
    """What follows the type of a delta-neutral order. said: the places that the message holds."""
    return When("order.delta_neutral_type", test, Field("order.delta_neutral_rest", Raw(NEUTRAL_USUAL, said)))


def scale(size: Kind) -> tuple[Part, ...]:
    return (
        Field("order.scale_init_size", size),
        Field("order.scale_next_size", size),
        Field("order.scale_increment", BLANK_FLOAT),
        When("order.scale_increment", is_positive, Field("order.scale_rest", Raw(SCALE_USUAL))),
    )


def hedge() -> tuple[Part, ...]:
    return (Field("order.hedge_type", TEXT), When("order.hedge_type", is_said, Field("order.hedge_param", TEXT)))


def algorithm() -> tuple[Part, ...]:
    return (Field("order.algo_strategy", TEXT), When("order.algo_strategy", is_said, Field("order.algo_params", PAIRS)))


def randomised() -> tuple[Field, ...]:
    return (Field("order.randomize_size", FLAG), Field("order.randomize_price", FLAG))


def benchmark() -> When:
    return When("order.order_type", is_benchmark, Field("order.benchmark", Raw(BENCHMARK_USUAL)))


def conditions() -> tuple[Part, ...]:
    return (
        Field("order.conditions", Counted(Shaped(CONDITION_WIDTHS))),
        When(
            "order.conditions",
            bool,
            Field("order.conditions_ignore_rth", FLAG),
            Field("order.conditions_cancel", FLAG),
        ),
    )


def volatility(kind: Kind) -> tuple[Field, ...]:
    return (Field("order.volatility", BLANK_FLOAT), Field("order.volatility_type", kind))


def references() -> tuple[Field, ...]:
    return (
        Field("order.starting_price", BLANK_FLOAT),
        Field("order.stock_ref_price", BLANK_FLOAT),
        Field("order.delta", BLANK_FLOAT),
        Field("order.stock_range_lower", BLANK_FLOAT),
        Field("order.stock_range_upper", BLANK_FLOAT),
    )


def trail(offset: Kind) -> tuple[Field, ...]:
    return (Field("order.trail_stop", offset), Field("order.trail_percent", offset))


def short_sale() -> tuple[Field, ...]:
    return (
        Field("order.short_sale_slot", INT),
        Field("order.designated_location", TEXT),
        Field("order.exempt_code", INT),
    )


def hidden_and_after() -> tuple[Field, ...]:
    return (
        Field("order.outside_rth", FLAG),
        Field("order.hidden", FLAG),
        Field("order.discretionary", FLOAT),
        Field("order.good_after", TEXT),
    )


def pegged_tail() -> tuple[Field, ...]:
    """What replies say of pegged orders, of every order, from 170."""
    return (
        Field("order.min_trade_quantity", BLANK_INT, since=170),
        Field("order.min_compete_size", BLANK_INT, since=170),
        Field("order.compete_offset", OFFSET, since=170),
        Field("order.mid_offset_whole", BLANK_FLOAT, since=170),
        Field("order.mid_offset_half", BLANK_FLOAT, since=170),
    )
