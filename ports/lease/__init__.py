"""The lease of the account: held while it is renewed, checked at the venue's door, and its end told at once."""

from ports.lease.held import HeldLease, seconds_since_boot
from ports.lease.port import LeasePort

__all__ = ["HeldLease", "LeasePort", "seconds_since_boot"]
