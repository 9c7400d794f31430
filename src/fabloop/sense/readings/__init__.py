"""Readings: columns of time, series, value and quality, as they come from the shop floor."""
