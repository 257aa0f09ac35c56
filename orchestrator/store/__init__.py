"""Artifacts, staging folders, leases and run records; the only room that writes to the store."""
