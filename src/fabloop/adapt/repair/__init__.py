"""Finds, checks and weaves in what brings a running process back to where it can go on."""
