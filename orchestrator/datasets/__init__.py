"""Pictures of any source as uniform, described datasets."""
