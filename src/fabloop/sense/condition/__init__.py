"""How machines are: anomalies, alarms, remaining life, and the maintenance that follows."""
