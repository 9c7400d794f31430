"""Calls operations of described services over HTTP, and judges what they answer."""

from fabloop.adapters.openapi.caller import Caller, Patience
from fabloop.adapters.openapi.outcome import Answered, Failed, Failure, Outcome

__all__ = ["Answered", "Caller", "Failed", "Failure", "Outcome", "Patience"]
