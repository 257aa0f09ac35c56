"""Runs one stage: in a container or as a local process."""
