"""A muffin bakery on a clock of its own: customers, machines, couriers, a baker next door."""
