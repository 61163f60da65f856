"""Other people's model files: quantized where they are ONNX, bundled as they are where they are TFLite."""

from .bundle_file import Bundled, bundle_file
from .compress_onnx import compress_onnx

__all__ = ["Bundled", "bundle_file", "compress_onnx"]
