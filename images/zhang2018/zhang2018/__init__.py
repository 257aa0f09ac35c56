"""Zhang, Ng and Chen 2018: single image reflection separation with perceptual losses, in TensorFlow 2."""
