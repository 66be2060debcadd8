"""The control port: an operator's words to a running engine, and its status back."""

from ports.control.client import ControlError, NotRunningError, request
from ports.control.server import ControlPort

__all__ = ["ControlError", "ControlPort", "NotRunningError", "request"]
