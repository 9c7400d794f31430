"""The question as data: products as steps, the plant as arrays, ways, candidates, the problem."""
