"""The method template-method."""
