"""Write devices/predict/kernels-*.tar.xz: `python benchmarks/devices/make_kernels.py`; needs onnx and litert."""

from __future__ import annotations

import io
import lzma
import tarfile
from pathlib import Path

from kernels import KERNELS
from onnx_kernels import build_onnx
from tflite_kernels import build_tflite

FOLDER = Path(__file__).resolve().parents[2] / "devices" / "predict"
SETS = (
    ("float32", "tflite", build_tflite),
    ("int8", "tflite", build_tflite),
    ("uint8", "tflite", build_tflite),
    ("float32", "onnx", build_onnx),
    ("int8", "onnx", build_onnx),
)


def main() -> None:
    """Every kernel in both formats and each precision, one solid archive a set."""
    for precision, suffix, build in SETS:
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            made = [(kernel.name, build(kernel, precision)) for kernel in KERNELS]
            if (precision, suffix) == ("float32", "onnx"):
                made += [(f"plain-{kernel.name}", build(kernel, "plain")) for kernel in KERNELS[1::2]]
            for name, data in made:
                info = tarfile.TarInfo(f"{name}.{suffix}")
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        packed = lzma.compress(plain.getvalue(), preset=9 | lzma.PRESET_EXTREME)
        (FOLDER / f"kernels-{precision}-{suffix}.tar.xz").write_bytes(packed)
        size = f"{len(plain.getvalue()) / 1e6:.1f} MB unpacked, {len(packed) / 1e3:.0f} KB packed"
        print(f"{len(made)} {precision} {suffix} kernels, {size}")


if __name__ == "__main__":
    main()
