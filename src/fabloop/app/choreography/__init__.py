"""Carrying out recipes in a local cloud: the choreographer, executors, application systems."""
