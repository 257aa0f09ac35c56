"""The network template-network."""
