"""What happened to which lot: genealogy and recall."""
