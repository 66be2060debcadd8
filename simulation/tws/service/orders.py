"""Orders and executions: contracts are completed from the catalogue, the rest is the broker's."""

from __future__ import annotations

from msgspec.structs import replace

from simulation.tws import requests as ask
from simulation.tws.catalogue.refused import unknown_contract
from simulation.tws.service.client import Client, Handler
from simulation.tws.terms import Contract


class Orders:
    """What a client asks about orders. Answers come through the broker's outlet, which the gateway hands out."""

    def __init__(self, client: Client) -> None:
        house, me = client.house, client.client_id
        broker = house.broker
        answers = broker.answers
        self._house, self._me = house, me
        self.handlers: dict[type[ask.ClientMessage], Handler] = {
            ask.PlaceOrder: self.place,
            ask.CancelOrder: lambda asked: broker.cancel(me, asked.order_id),
            ask.GlobalCancel: lambda asked: broker.global_cancel(me),
            ask.ReqOpenOrders: lambda asked: answers.open_orders(me),
            ask.ReqAllOpenOrders: lambda asked: answers.all_open_orders(me),
            ask.ReqAutoOpenOrders: lambda asked: answers.bind_auto(me, asked.bind),
            ask.ReqCompletedOrders: lambda asked: answers.completed_orders(me, api_only=asked.api_only),
            ask.ReqExecutions: lambda asked: answers.executions(me, asked.req_id, asked.filter),
        }

    def place(self, asked: ask.PlaceOrder) -> None:
        """A new order or a change of one. Raises Refused, 200 or 321, for a contract that is none."""
        self._house.broker.place(self._me, replace(asked, contract=self._complete(asked.contract)))

    def close(self) -> None:
        """Orders outlive their client."""

    def _complete(self, contract: Contract) -> Contract:
        """The contract with everything the catalogue knows of it, or a combo whose legs the market is told of."""
        house = self._house
        if contract.sec_type == "BAG":
            for leg in contract.legs:
                house.market.hold(leg.con_id)
            return contract
        found = house.catalogue.qualify(contract)
        if len(found) != 1:
            raise unknown_contract()
        house.market.hold(found[0].contract.con_id)
        return found[0].contract
