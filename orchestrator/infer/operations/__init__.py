"""What each ONNX operation is in space, and the table of them."""
