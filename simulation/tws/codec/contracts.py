"""The groups of fields that many messages share: contracts, legs and pairs of tag and value."""

from __future__ import annotations

from simulation.tws.codec.kinds import FLAG, FLOAT, INT, RIGHT, TEXT, nothing_as
from simulation.tws.codec.layout import Codec, Counted, Field, Maybe, Record, Row, When
from simulation.tws.terms import ComboLeg, DeltaNeutral

PAIRS = Counted(Row(TEXT, TEXT))
DELTA_NEUTRAL = Maybe(
    Record(DeltaNeutral, Field("con_id", INT), Field("delta", FLOAT), Field("price", FLOAT)),
)
_SHORT_LEG = (Field("con_id", INT), Field("ratio", INT), Field("action", TEXT), Field("exchange", TEXT))
SHORT_LEGS = Counted(Record(ComboLeg, *_SHORT_LEG))
LEGS = Counted(
    Record(
        ComboLeg,
        *_SHORT_LEG,
        Field("open_close", INT),
        Field("short_sale_slot", INT),
        Field("designated_location", TEXT),
        Field("exempt_code", INT),
    )
)
RIGHT_UNKNOWN = nothing_as("?", "0")
RIGHT_ZERO = nothing_as("0", "?")


def is_bag(sec_type: str) -> bool:
    """Whether a contract has legs."""
    return sec_type == "BAG"


def asked() -> tuple[Field, ...]:
    """A contract as requests name it: twelve fields, both exchanges."""
    return (*_head(RIGHT), Field("contract.exchange", TEXT), Field("contract.primary_exchange", TEXT), *_tail())


def told(exchange: str = "contract.exchange", right: Codec = RIGHT) -> tuple[Field, ...]:
    """A contract as most replies name it: eleven fields. exchange: which of the two stands there.  right: gateways do
    not write an empty one alike everywhere."""
    return (*_head(right), Field(exchange, TEXT), *_tail())


def short_legs() -> When:
    """The legs as requests for data name them."""
    return When("contract.sec_type", is_bag, Field("contract.legs", SHORT_LEGS))


def expired() -> Field:
    """Whether contracts that have expired are meant too."""
    return Field("contract.include_expired", FLAG)


def _head(right: Codec) -> tuple[Field, ...]:
    return (
        Field("contract.con_id", INT),
        Field("contract.symbol", TEXT),
        Field("contract.sec_type", TEXT),
        Field("contract.expiry", TEXT),
        Field("contract.strike", FLOAT),
        Field("contract.right", right),
        Field("contract.multiplier", TEXT),
    )


def _tail() -> tuple[Field, ...]:
    return (
        Field("contract.currency", TEXT),
        Field("contract.local_symbol", TEXT),
        Field("contract.trading_class", TEXT),
    )
