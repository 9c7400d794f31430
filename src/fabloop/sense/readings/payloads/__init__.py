"""Payloads: the bytes of one message or request body to columns of readings, and back."""
