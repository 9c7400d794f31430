"""Processes whose tasks are done by services: bound late, gated, called over HTTP, repaired."""
