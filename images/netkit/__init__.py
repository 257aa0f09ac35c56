"""What the networks share: synthesis, sampling, the training run, seeded weights (Python 3.8, NumPy, SciPy, Pillow).

Modules whose names begin with ``torch_`` need PyTorch, those with ``onnx_`` ONNX; the others need neither.
"""
