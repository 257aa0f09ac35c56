"""What users write: pydantic models, and YAML loading with exact positions."""
