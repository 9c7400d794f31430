"""Processes in virtual time: the engine itself, with chance instead of workers and people."""
