"""Contract details, chains, rules and symbols, as an unmodified client reads them."""

from __future__ import annotations

from pathlib import Path

from ib_async import Bag, Contract, Future, Index, Stock

from state.lake import Lake
from tests.tws.gateway.kit import ABC, CALL_25, ES, EUR, PENCE, desk


async def test_a_stock_is_told_with_what_the_house_knows_of_it(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        (found,) = await ib.reqContractDetailsAsync(ABC)
        assert found.longName == "Alphabet Soup Inc"
        assert found.contract is not None
        assert (found.contract.exchange, found.contract.primaryExchange) == ("SMART", "NASDAQ")
        assert found.minTick == 0.01
        assert [(one.tag, one.value) for one in found.secIdList] == [("ISIN", "US0000000001")]
        assert found.timeZoneId == "US/Eastern"
        assert found.tradingHours.startswith("20190612:0930-20190612:1600;")  # 13:30 to 20:00 UTC in New York


async def test_a_pence_line_has_a_magnifier_and_ticks_in_pence(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        (found,) = await ib.reqContractDetailsAsync(PENCE)
        assert (found.priceMagnifier, found.minTick) == (100, 0.5)  # a tick of 0.005 pounds


async def test_months_of_a_future_are_all_told_and_one_is_chosen_by_its_month(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        found = await ib.reqContractDetailsAsync(Future("ES", exchange="CME", currency="USD"))
        months = [one.contractMonth for one in found]
        assert months[:3] == ["201906", "201909", "201912"]
        (chosen,) = await ib.reqContractDetailsAsync(ES)
        assert chosen.contract is not None
        assert (chosen.contract.localSymbol, chosen.contract.multiplier) == ("ESU9", "50")


async def test_an_unknown_symbol_is_answered_with_200_and_no_contract(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        assert await ib.reqContractDetailsAsync(Stock("NOPE", "SMART", "USD")) == []
        assert here.heard[1].codes.count(200) == 1


async def test_a_combination_has_no_details(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        ib.client.reqContractDetails(55, Bag(symbol="ABC", exchange="SMART", currency="USD"))
        assert (await here.error(321))[0] == 55


async def test_an_index_and_a_currency_pair_are_listed(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        (index,) = await ib.reqContractDetailsAsync(Index("SPX", "CBOE", "USD"))
        (pair,) = await ib.reqContractDetailsAsync(EUR)
        assert index.longName == "S&P 500"
        assert pair.contract is not None
        assert (pair.contract.localSymbol, pair.minTick) == ("EUR.USD", 0.00005)


async def test_a_contract_is_found_by_its_con_id_alone(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await here.contract(ib, ABC)
        (found,) = await ib.reqContractDetailsAsync(Contract(conId=abc.conId))
        assert found.contract is not None
        assert found.contract.symbol == "ABC"


async def test_a_contract_is_found_by_its_isin(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        wanted = Contract(secType="STK", secIdType="ISIN", secId="US0000000001", exchange="SMART", currency="USD")
        (found,) = await ib.reqContractDetailsAsync(wanted)
        assert found.contract is not None
        assert found.contract.symbol == "ABC"


async def test_the_rule_of_a_contract_says_its_ticks(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        (found,) = await ib.reqContractDetailsAsync(PENCE)
        rule = await ib.reqMarketRuleAsync(int(found.marketRuleIds.split(",")[0]))
        assert [(one.lowEdge, one.increment) for one in rule or []] == [(0.0, 0.5)]


async def test_an_unknown_rule_is_an_error(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        assert await ib.reqMarketRuleAsync(1) is None
        assert 321 in here.heard[1].codes


async def test_symbols_are_found_by_their_first_letters_and_by_words_of_the_name(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        by_symbol = await ib.reqMatchingSymbolsAsync("AB")
        by_name = await ib.reqMatchingSymbolsAsync("Xylo")
        assert [one.contract.symbol for one in by_symbol or [] if one.contract] == ["ABC"]
        assert [one.contract.symbol for one in by_name or [] if one.contract] == ["XYZ"]


async def test_a_chain_lists_expiries_and_strikes_by_exchange(lake: Lake, options: Path) -> None:
    async with desk(lake, options=options) as here:
        ib = await here.connect()
        vxx = await here.contract(ib, Stock("VXX", "SMART", "USD"))
        chains = await ib.reqSecDefOptParamsAsync("VXX", "", "STK", vxx.conId)
        assert {one.exchange for one in chains} == {"SMART", "CBOE", "AMEX", "ISE"}
        smart = next(one for one in chains if one.exchange == "SMART")
        assert (smart.tradingClass, smart.multiplier) == ("VXX", "100")
        assert smart.expirations == ["20190621", "20190719"]
        assert smart.strikes == [24.0, 25.0, 26.0]


async def test_an_option_is_named_as_the_clearing_house_does(lake: Lake, options: Path) -> None:
    async with desk(lake, options=options) as here:
        ib = await here.connect()
        (found,) = await ib.reqContractDetailsAsync(CALL_25)
        assert found.contract is not None
        assert found.contract.localSymbol == "VXX   190719C00025000"
        assert found.underSymbol == "VXX"


async def test_a_chain_of_nothing_is_empty(lake: Lake) -> None:
    async with desk(lake) as here:
        ib = await here.connect()
        abc = await here.contract(ib, ABC)
        assert await ib.reqSecDefOptParamsAsync("ABC", "", "STK", abc.conId) == []
