"""Realises a plan: stages in order, each in its image, into the store."""
