"""From readings to measuring characteristics, and from these to KPIs."""
