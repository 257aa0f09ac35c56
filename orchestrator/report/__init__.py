"""The HTML report: one folder that opens from disk, without a network."""
