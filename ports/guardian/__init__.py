"""Between the engine and its guardian: the heartbeat, the closing plan, and a session to the venue for an emergency."""

from ports.guardian.heartbeat import Heartbeat, HeartbeatPort
from ports.guardian.plan import ClosingPlan, PlanDeposit
from ports.guardian.sealed import SealedFile, SealError
from ports.guardian.venue import GuardianVenue

__all__ = ["ClosingPlan", "GuardianVenue", "Heartbeat", "HeartbeatPort", "PlanDeposit", "SealError", "SealedFile"]
