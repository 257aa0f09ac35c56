"""Hostile files, names and results: each is refused in words, in time, and touches nothing."""
