"""What cannot be answered, in the codes and words that a client of the protocol knows."""

from __future__ import annotations

UNKNOWN_CONTRACT = "No security definition has been found for the request"
INVALID = "Error validating request.-'bS' : cause - "
HISTORY = "Historical Market Data Service error message:"
NO_DATA = f"{HISTORY}HMDS query returned no data"
PACING = f"{HISTORY}Historical data request pacing violation"
NO_QUERY = "No historical data query found for ticker id"


class Refused(Exception):  # noqa: N818
    """A request that ends with an error message: `code` and `text` as they are sent."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class Unlisted(Refused, LookupError):  # noqa: N818
    """200: nobody lists such a contract."""

    def __init__(self) -> None:
        super().__init__(200, UNKNOWN_CONTRACT)


def unknown_contract() -> Refused:
    return Unlisted()


def ambiguous(name: str) -> Refused:
    """200: several contracts fit where one is needed."""
    return Refused(200, f"The contract description specified for {name} is ambiguous")


def invalid(cause: str) -> Refused:
    """321: the request itself is wrong; `cause` says what, in one sentence."""
    return Refused(321, f"{INVALID}{cause}")


def no_data(what: str) -> Refused:
    """162: nothing is recorded for `what`."""
    return Refused(162, f"{NO_DATA}: {what}")


def no_query(req_id: int) -> Refused:
    """366: a cancel or a late answer for a historical request that is not open."""
    return Refused(366, f"{NO_QUERY}:{req_id}")
