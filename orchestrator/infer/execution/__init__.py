"""Runs a plan: segment after segment, tile after tile, from a resume point on."""
