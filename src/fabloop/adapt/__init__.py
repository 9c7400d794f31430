"""From a deviation to a change: the only capability that sees the others."""
