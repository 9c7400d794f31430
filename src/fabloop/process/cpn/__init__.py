"""Coloured Petri nets: documents, compiled bindings, simulation in virtual time."""
