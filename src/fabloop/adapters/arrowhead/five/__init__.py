"""Arrowhead 5.2.1: the core systems' HTTP interfaces, as a server and as a client."""
