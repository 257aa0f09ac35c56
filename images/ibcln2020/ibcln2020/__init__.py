"""IBCLN (Li et al. 2020) in PyTorch: network, losses, training, export."""
