"""The health port: how late the loop and the journal are, and who has unread messages, told to the watchdog."""

from ports.health.port import HealthPort

__all__ = ["HealthPort"]
