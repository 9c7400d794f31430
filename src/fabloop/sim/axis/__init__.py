"""A feed axis: motor, spring with a gap, table with friction, and its controller."""
