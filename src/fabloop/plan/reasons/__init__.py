"""Why not, and what would help: conflicts, counterfactuals, recommendations."""
