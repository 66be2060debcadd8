"""The market-data lake: sealed parquet files, what is known about each, and when each row became known."""

from state.lake.lake import Bars, FxSeries, Lake, QuoteSeries
from state.lake.sealed import LakeError

__all__ = ["Bars", "FxSeries", "Lake", "LakeError", "QuoteSeries"]
