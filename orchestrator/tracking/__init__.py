"""A finished run, told to the programs in which people keep their experiments: MLflow, Weights & Biases."""
