"""The scheduling problem as a constraint model; the only part of it that knows OR-Tools."""
