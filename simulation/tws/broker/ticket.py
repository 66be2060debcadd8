"""One order at the broker, from its first message to its end."""

from __future__ import annotations

import msgspec

from model.units import Cash, Px, Qty
from simulation.tws.broker.rules import Story
from simulation.tws.terms import Contract, Order

KEPT = ""
"""Not transmitted yet: the gateway has it and says nothing of it."""

PENDING_SUBMIT = "PendingSubmit"
PRE_SUBMITTED = "PreSubmitted"
SUBMITTED = "Submitted"
PENDING_CANCEL = "PendingCancel"
CANCELLED = "Cancelled"
API_CANCELLED = "ApiCancelled"
INACTIVE = "Inactive"
FILLED = "Filled"

ENDED = frozenset({CANCELLED, API_CANCELLED, INACTIVE, FILLED})

LAW: dict[str, frozenset[str]] = {
    KEPT: frozenset({PENDING_SUBMIT, PRE_SUBMITTED, API_CANCELLED, INACTIVE}),
    PENDING_SUBMIT: frozenset({PRE_SUBMITTED, SUBMITTED, PENDING_CANCEL, API_CANCELLED, CANCELLED, INACTIVE, FILLED}),
    PRE_SUBMITTED: frozenset({PRE_SUBMITTED, SUBMITTED, PENDING_CANCEL, CANCELLED, INACTIVE, FILLED}),
    SUBMITTED: frozenset({SUBMITTED, PRE_SUBMITTED, PENDING_CANCEL, CANCELLED, INACTIVE, FILLED}),
    PENDING_CANCEL: frozenset({PENDING_CANCEL, CANCELLED, API_CANCELLED, FILLED}),
    **{ended: frozenset({ended}) for ended in ENDED},
}
"""Which status an order may have after which."""


class Ticket(msgspec.Struct, kw_only=True):
    """An order and everything that became of it.

    number: its place among all orders of this broker.  child: its name at the exchange now, empty while the broker
    itself holds it; children: how many such names it has had; child_base: what had filled before that child.
    raw: sum of price x quantity over its fills.  fee: sum of commissions.  told: its status has been said.
    held: why it is not at the exchange (`child`, `trigger`, `locate`, ...), as whyHeld says it.
    child_quantity: how much that child is for.  changes: how often the order was changed; changeable: the last change
    can be made in place.  impatient: its algorithm waits no longer.  locating: its shares are looked for.
    triggered: its stop has been touched.  stop: where a stop stands now.  canceller: who asked for its end.
    expires_ns: when it ends if the broker itself holds it then; 0 for never.
    forgotten: its order id was rolled back and may name another order.
    """

    number: int
    perm_id: int
    client_id: int
    order_id: int
    account: str
    contract: Contract
    order: Order
    side: int
    quantity: Qty
    limit: Px | None = None
    stop: Px | None = None
    story: Story = Story.PLAIN
    status: str = KEPT
    filled: Qty = 0
    raw: int = 0
    fee: Cash = 0
    last_price: Px = 0
    fills: int = 0
    parent: int = 0
    oca: str = ""
    oca_type: int = 0
    child: str = ""
    children: int = 0
    child_base: Qty = 0
    child_quantity: Qty = 0
    changes: int = 0
    changeable: bool = True
    triggered: bool = False
    impatient: bool = False
    locating: bool = False
    told: bool = False
    held: tuple[str, ...] = ()
    canceller: int | None = None
    created_ns: int = 0
    ended_ns: int = 0
    forgotten: bool = False
    expires_ns: int = 0
    reason: str = ""
    warning: str = ""

    @property
    def con_id(self) -> int:
        return self.contract.con_id

    @property
    def combo(self) -> bool:
        return self.contract.sec_type == "BAG"

    @property
    def remaining(self) -> Qty:
        return self.quantity - self.filled

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def kept(self) -> bool:
        return self.status == KEPT

    @property
    def working(self) -> bool:
        return not self.ended and not self.kept

    def move(self, status: str) -> None:
        """Take a status. Raises ValueError when the law does not allow it."""
        if status not in LAW[self.status]:
            raise ValueError(f"an order cannot become {status} after {self.status or 'being kept'}")
        self.status = status
