"""Connections: which machines are read over which wires, and what their variables mean."""
