"""From an ONNX file to a typed graph at one size of picture."""
