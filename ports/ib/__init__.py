"""The port to Interactive Brokers through a gateway or workstation that runs beside the engine.

Hedgerow is not affiliated with Interactive Brokers. The protocol is spoken by `ib_async`, which is imported when a
session opens and not before.
"""

from ports.ib.port import IBPort
from ports.ib.settings import AccountMode, IBSettings, Patience

__all__ = ["AccountMode", "IBPort", "IBSettings", "Patience"]
