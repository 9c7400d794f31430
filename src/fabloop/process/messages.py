"""Kept messages: those that still wait for someone to come."""

from fabloop.process.commands import Variables
from fabloop.process.deltas import MessageTaken
from fabloop.process.state import Frame
from fabloop.process.step import Step

STREAM = "messages"


def is_kept(step: Step, address: tuple[str, str], message_id: str) -> bool:
    """Whether a message with this name, key and id is still kept."""
    messages = step.state.messages
    return any(
        messages[key].id == message_id and messages[key].until > step.at
        for key in step.state.kept.get(address, ())
    )


def take_kept(step: Step, frame: Frame, name: str, correlation: str) -> Variables | None:
    """Return the variables of the oldest kept message that this process has not had yet."""
    state = step.state
    process = state.instances[frame.instance].definition.id
    for key in state.kept.get((name, correlation), ()):
        message = state.messages[key]
        if message.until > step.at and process not in message.takers:
            step.emit_to(STREAM, MessageTaken(key, process))
            return message.variables
    return None
