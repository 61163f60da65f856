"""Readers of model files themselves: what is in an .onnx or .tflite, without onnx or tensorflow; engines/ runs them."""
