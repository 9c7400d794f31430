"""Overall equipment effectiveness and the KPIs of ISO 22400-2, from events, exact in any order."""
