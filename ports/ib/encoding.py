"""How an order of the house is written for the broker, as a table. What has no line here is not sent."""

from __future__ import annotations

import datetime as dt

import msgspec

from model.orders import OrderSpec, OrderType, Side, TimeInForce
from model.units import NS_PER_SECOND
from ports.ib.contracts import SMART, Pin
from ports.ib.errors import NotEncodable
from ports.ib.heard import OrderSeen
from ports.ib.settings import IBSettings
from ports.ib.wire_numbers import px_in, px_out, qty_out

DAY, IOC, GTC, GTD = TimeInForce.DAY, TimeInForce.IOC, TimeInForce.GTC, TimeInForce.GTD


class Form(msgspec.Struct, frozen=True):
    """kind and tif as the protocol spells them.  limited: the limit goes with it.  needs: what the line must list among
    its order types."""

    kind: str
    tif: str
    limited: bool
    needs: str


FORMS: dict[tuple[OrderType, TimeInForce], Form] = {
    (OrderType.LIMIT, DAY): Form("LMT", "DAY", True, "LMT"),
    (OrderType.LIMIT, IOC): Form("LMT", "IOC", True, "IOC"),
    (OrderType.LIMIT, GTC): Form("LMT", "GTC", True, "GTC"),
    (OrderType.LIMIT, GTD): Form("LMT", "GTD", True, "GTD"),
    (OrderType.MARKET, DAY): Form("MKT", "DAY", False, "MKT"),
    (OrderType.MARKET, IOC): Form("MKT", "IOC", False, "IOC"),
    (OrderType.MARKET, GTC): Form("MKT", "GTC", False, "GTC"),
    (OrderType.MOC, DAY): Form("MOC", "DAY", False, "MOC"),
    (OrderType.LOC, DAY): Form("LOC", "DAY", True, "LOC"),
    (OrderType.MOO, DAY): Form("MKT", "OPG", False, "OPG"),
    (OrderType.LOO, DAY): Form("LMT", "OPG", True, "OPG"),
}  # fmt: skip

AUCTION: dict[tuple[OrderType, TimeInForce], Form] = {
    (OrderType.MOC, DAY): Form("MTL", "AUC", False, "AUC"),
    (OrderType.MOO, DAY): Form("MTL", "AUC", False, "AUC"),
}
"""The way round where a line has no orders on the close or the open of its own: the price of the next auction."""

ADAPTIVE = "Adaptive"
PRIORITIES = ("Urgent", "Normal", "Patient")
ADAPTIVE_FORMS = frozenset({("LMT", "DAY"), ("MKT", "DAY")})


class Encoded(msgspec.Struct, frozen=True, kw_only=True):
    """An order's fields by the protocol's names. algo: (name, value) of the adaptive algorithm, empty for none."""

    fields: dict[str, object]
    algo: tuple[tuple[str, str], ...] = ()


def encode(spec: OrderSpec, pin: Pin, settings: IBSettings) -> Encoded:
    """The order as it is sent; its limit on a tick of the line, never worse for us. Raises NotEncodable."""
    form = _form(spec, pin)
    fields: dict[str, object] = {
        "action": "BUY" if spec.side is Side.BUY else "SELL",
        "totalQuantity": qty_out(spec.quantity),
        "orderType": form.kind,
        "tif": form.tif,
        "account": settings.account,
        "orderRef": spec.client_id,
        "transmit": True,
        "outsideRth": False,
        "eTradeOnly": False,
        "firmQuoteOnly": False,
    }
    if form.limited:
        if not spec.limit and not pin.query.legs:
            raise NotEncodable(f"{spec.client_id}: a {spec.type.value} order needs a limit")
        fields["lmtPrice"] = px_out(pin.to_tick(spec.limit, spec.side), pin.magnifier)
    if spec.tif is GTD:
        fields["goodTillDate"] = good_till(spec.expires_ns)
    priority = settings.adaptive.get(spec.instrument, "")
    adaptive = priority and (form.kind, form.tif) in ADAPTIVE_FORMS and pin.query.exchange == SMART
    return Encoded(fields=fields, algo=(("adaptivePriority", priority),) if adaptive else ())


def decode(seen: OrderSeen, pin: Pin) -> OrderSpec | None:
    """An order of an earlier life as the house would have asked for it; None for a form it does not have."""
    for table in (FORMS, AUCTION):
        for (kind, tif), form in table.items():
            if (form.kind, form.tif) == (seen.kind, seen.tif or "DAY"):
                limit = px_in(seen.limit, pin.magnifier) if form.limited and seen.limit is not None else 0
                return OrderSpec(
                    client_id=seen.ref, instrument=pin.instrument, side=seen.side, quantity=seen.quantity, type=kind,
                    tif=tif, limit=limit, expires_ns=seen.good_till_ns,
                )  # fmt: skip
    return None


def good_till(expires_ns: int) -> str:
    """The moment after which an order lapses, whole seconds, in UTC. Raises NotEncodable for none."""
    if expires_ns <= 0:
        raise NotEncodable("a good-till order needs the moment it is good till")
    return f"{dt.datetime.fromtimestamp(expires_ns // NS_PER_SECOND, dt.UTC):%Y%m%d-%H:%M:%S}"


def _form(spec: OrderSpec, pin: Pin) -> Form:
    """A line that does not list its order types takes what the broker says it takes."""
    key = (spec.type, spec.tif)
    for table in (FORMS, AUCTION):
        form = table.get(key)
        if form is not None and (not pin.order_types or form.needs in pin.order_types):
            return form
    if key not in FORMS:
        raise NotEncodable(f"{spec.client_id}: {spec.type.value} with {spec.tif.value} does not exist at this broker")
    raise NotEncodable(
        f"{spec.client_id}: {pin.instrument} does not take {FORMS[key].needs} orders",
        "choose another execution policy for this instrument",
    )
