"""Machines of a factory: connected, listed, looked at and tested."""
