"""Choose adapters, wire them, close the loop, and show it to people."""
