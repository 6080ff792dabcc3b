"""ONNX export of a trained model: its network, the file, and the comparison with the model."""
