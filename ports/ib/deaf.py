"""Who takes nothing of what a session hears: a download or an examination, whose answers come by question."""

from __future__ import annotations

from ports.ib.codes import Rule
from ports.ib.heard import Complaint, CostSeen, ExecutionSeen, OrderSeen, StatusSeen


class Deaf:
    """`complaints` are kept; orders, executions and ticks belong to another session."""

    def __init__(self) -> None:
        self.complaints: list[Complaint] = []

    def heard_complaint(self, complaint: Complaint, rule: Rule) -> None:
        self.complaints.append(complaint)

    def heard_order(self, seen: OrderSeen) -> None:
        """Another session's."""

    def heard_status(self, seen: StatusSeen) -> None:
        """Another session's."""

    def heard_execution(self, seen: ExecutionSeen, live: bool) -> None:
        """Another session's."""

    def heard_cost(self, cost: CostSeen) -> None:
        """Another session's."""

    def heard_price(self, req_id: int, kind: int, price: float, size: float) -> None:
        """Another session's, or asked for only to see that it comes."""

    def heard_size(self, req_id: int, kind: int, size: float) -> None:
        """Another session's, or asked for only to see that it comes."""

    def heard_data_kind(self, req_id: int, kind: int) -> None:
        """Another session's."""
