"""What tests ask trackers for, in the environment of these."""
