"""CPN ML, the inscription language of CPN Tools: the part of it that nets use."""
