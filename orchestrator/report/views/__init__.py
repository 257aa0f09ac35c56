"""What the templates place: one view for each section, computed from the content and said in words."""
