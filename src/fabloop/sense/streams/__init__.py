"""Streams of bulks: how they follow each other, their windows, and what is condensed of them."""
