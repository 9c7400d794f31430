"""The interfaces of version 4.6.2: a local cloud that speaks them, and a client of one."""
