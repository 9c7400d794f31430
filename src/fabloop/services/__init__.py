"""Who offers what right now: match requirements against offers and their live condition."""
