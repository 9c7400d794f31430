"""Mechanisms without vocabulary: errors, ids, instants, quantities, codec, journal."""
