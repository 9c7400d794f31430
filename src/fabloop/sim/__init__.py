"""A virtual plant behind the same ports as the real one."""
