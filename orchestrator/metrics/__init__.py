"""Scores of predictions against truth: pure functions on arrays, and the protocols that name them."""
