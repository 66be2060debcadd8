"""Market data from recordings: what happened, told when it was known."""

from ports.feed.recorded import FeedPlan, RecordedFeed

__all__ = ["FeedPlan", "RecordedFeed"]
