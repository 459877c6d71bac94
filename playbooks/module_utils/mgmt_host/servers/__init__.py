"""Servers of our own: the one for ONNX models, and what stands before or around those of others."""
