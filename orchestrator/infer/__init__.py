"""One inference for all networks, on ONNX Runtime."""
