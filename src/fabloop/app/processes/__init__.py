"""The process kernel as a service: a host, its wire, workers, simulation."""
