"""What an account has earned or owes."""

from __future__ import annotations

import msgspec

from model.units import Cash


class VenueAccrual(msgspec.Struct, frozen=True, gc=False):
    """Money that an account has earned, or owes below zero, and that is not paid yet. kind: interest or dividend."""

    currency: str
    kind: str
    amount: Cash
