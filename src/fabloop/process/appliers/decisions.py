"""Appliers for decision models."""

# ruff: noqa: ARG001, D103  # appliers are called alike, and do what their deltas say

from fabloop.base.instant import Instant
from fabloop.process.decision_deltas import DecisionsDeployed
from fabloop.process.decision_model import DecisionModel, model_of
from fabloop.process.state import State


def decisions_deployed(state: State, delta: DecisionsDeployed, at: Instant) -> None:
    key = state.saw(delta.key)
    made = DecisionModel(key, delta.digest, delta.tag, delta.source, dict(delta.decisions))
    state.put(state.models, key, model_of(delta.source))
    state.put(state.decision_models, key, made)
    for decision, version in delta.decisions.items():
        state.put(state.decisions, (decision, version), key)
        state.put(state.decision_versions, decision, version)
    state.put(state.model_digests, delta.digest, key)
