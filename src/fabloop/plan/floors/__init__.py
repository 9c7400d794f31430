"""A floor that several jobs share: loads, placing, search, and proofs in windows."""
