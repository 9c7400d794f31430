"""A simulated production line on virtual time: stations that work, wear, stop and mismeasure."""
