"""A venue in another process, over a local socket."""

from ports.remote_venue.frames import Address, FrameError, Frames, MarketAgain, packed
from ports.remote_venue.port import RemoteVenue

__all__ = ["Address", "FrameError", "Frames", "MarketAgain", "RemoteVenue", "packed"]
