"""Model files that others run and this kit does not: what each is, and how it becomes one that runs here."""

from __future__ import annotations

import contextlib
import zipfile
from pathlib import Path

__all__ = ["way_from"]

_TORCH = (
    "is PyTorch's, which needs torch to run: export it to ONNX first (torch.onnx.export; of Ultralytics"
    " `yolo export model={name} format=onnx`)"
)
_KERAS = (
    "is Keras's: convert it to TFLite first (tf.lite.TFLiteConverter.from_keras_model(model).convert(),"
    " written to a .tflite)"
)
_SAVED_MODEL = (
    "is a TensorFlow SavedModel: convert it to TFLite first"
    " (tf.lite.TFLiteConverter.from_saved_model(folder).convert()) or to ONNX (python -m tf2onnx.convert)"
)
_FROZEN = "is a TensorFlow graph: convert it to ONNX first (python -m tf2onnx.convert --graphdef {name}) or to TFLite"
_TENSORRT = (
    "is an engine that TensorRT built for one GPU: give the .onnx it was built from, with"
    " --engine onnxruntime:tensorrt, which builds and keeps its own"
)
_TASK = "is a MediaPipe bundle: unzip it and give a .tflite that is in it"
_ORT = "is onnxruntime's own format: give the .onnx it was made from"
_COREML = "is Core ML's: export the network to ONNX or TFLite from where it was trained"
_OPENVINO = "is OpenVINO's: give the .onnx it was made from, with --engine onnxruntime:openvino where that is installed"
_ACCELERATOR = "is compiled for one accelerator: give the .onnx or .tflite it was made from"
_NCNN = "is ncnn's: give the .onnx it was made from, or export the network to ONNX again"
_PADDLE = "is Paddle's: convert it to ONNX first (paddle2onnx)"
_CAFFE = "is Caffe's: convert it to ONNX first"
_RUN = "is a trained run: `edgelens compress {name} --out NAME.edge` makes a bundle of it"
_BARE = "is a bare model file, no bundle: `edgelens bundle {name} --out NAME.edge` wraps it"
_RENAMED = "is a {kind} file under another name: rename it to end in .{kind}"

_BY_SUFFIX = {
    ".pt": _TORCH, ".pth": _TORCH, ".ckpt": _TORCH, ".torchscript": _TORCH, ".ptl": _TORCH, ".safetensors": _TORCH,
    ".pt2": _TORCH, ".pte": _TORCH,
    ".h5": _KERAS, ".hdf5": _KERAS, ".keras": _KERAS,
    ".pb": _FROZEN,
    ".engine": _TENSORRT, ".trt": _TENSORRT, ".plan": _TENSORRT,
    ".task": _TASK, ".ort": _ORT,
    ".mlmodel": _COREML, ".mlpackage": _COREML, ".mlmodelc": _COREML,
    ".xml": _OPENVINO,
    ".hef": _ACCELERATOR, ".rknn": _ACCELERATOR, ".blob": _ACCELERATOR, ".kmodel": _ACCELERATOR, ".dlc": _ACCELERATOR,
    ".param": _NCNN, ".mnn": _NCNN,
    ".pdmodel": _PADDLE, ".pdiparams": _PADDLE,
    ".caffemodel": _CAFFE, ".prototxt": _CAFFE,
    ".onnx": _BARE, ".tflite": _BARE,
}  # fmt: skip
_BY_CONTENT = {  # what stands at a place in the file
    (0, b"\x89HDF"): _KERAS,
    (0, b"\x80\x02"): _TORCH,  # a pickle, as torch wrote them once
    (0, b"ftrt"): _TENSORRT,
    (4, b"ORTM"): _ORT,
    (4, b"TFL3"): _RENAMED.replace("{kind}", "tflite"),
}
_IN_ZIP = {"data.pkl": _TORCH, "model.weights.h5": _KERAS, ".tflite": _TASK}  # how an entry's name ends


def way_from(path: Path) -> str:
    """What a file or folder is that was given for a bundle, and how it comes here; empty for what is not known."""
    way = _of_folder(path) if path.is_dir() else _BY_SUFFIX.get(path.suffix.lower()) or _of_content(path)
    return (way or "").replace("{name}", str(path))


def _of_folder(path: Path) -> str | None:
    if (path / "saved_model.pb").exists():
        return _SAVED_MODEL
    if (path / "run.json").exists():
        return _RUN
    return _BY_SUFFIX.get(path.suffix.lower())


def _of_content(path: Path) -> str | None:
    """By the first bytes, or by what is in it where it is a zip; a pipe or a device is not waited for."""
    if not path.is_file():
        return None
    with contextlib.suppress(OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        with path.open("rb") as stream:
            start = stream.read(64)
        for (at, mark), found in _BY_CONTENT.items():
            if start[at:].startswith(mark):
                return found
        if start.startswith(b"PK"):
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
            if "manifest.json" not in names:
                return next((found for end, found in _IN_ZIP.items() if any(n.endswith(end) for n in names)), None)
    return None
