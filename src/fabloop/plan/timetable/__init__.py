"""When things happen: list schedule, CP-SAT, and routings with alternatives."""
