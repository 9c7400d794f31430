"""Nouns that two or more capabilities share; data only, named after IEC 62264."""
