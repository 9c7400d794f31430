"""What each delta does to the state, by subject; `process.apply` chooses among them."""
