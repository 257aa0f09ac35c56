"""Brings images into being: Docker images or local environments from one recipe."""
