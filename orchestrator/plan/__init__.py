"""Pure: an experiment becomes stages, keys, and reasons why a stage must run."""
