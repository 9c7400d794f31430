"""What happened in processes, read from their journal: events, queries, exports for mining."""
