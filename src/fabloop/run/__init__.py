"""Carry a plan out: recipe, composed process, dispatch, assignment to people and machines."""
