"""Python packages, each imported in a process of its own: one built for another processor or numpy dies there."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from .finding import Finding, bad, note, ok, warn

__all__ = ["check_packages"]

_ASK = {
    "numpy": "import numpy; d = {'version': numpy.__version__}",
    "cv2": (
        "import numpy, cv2, re; b = cv2.getBuildInformation()\n"
        "f = lambda n: (re.search(rf'^\\s*{n}:\\s*(.*)$', b, re.M) or [0, 'NO'])[1].strip()\n"
        "d = {'version': cv2.__version__, 'gui': f('GUI'), 'gstreamer': f('GStreamer'), 'ffmpeg': f('FFMPEG')}"
    ),
    "onnxruntime": (
        "import numpy, onnxruntime as o; d = {'version': o.__version__, 'delegates': o.get_available_providers()}"
    ),
    "ai_edge_litert": (
        "import numpy, ai_edge_litert.interpreter as i, importlib.metadata as m\n"
        "d = {'version': m.version('ai-edge-litert'), 'delegates': ['XNNPACK']}"
    ),
    "tflite_runtime": (
        "import numpy, tflite_runtime.interpreter as i, tflite_runtime as t\n"
        "d = {'version': t.__version__, 'delegates': ['XNNPACK']}"
    ),
}


@dataclass(frozen=True)
class _Answer:
    facts: dict[str, object]
    problem: str = ""
    missing: bool = False


def check_packages(root: Path) -> list[Finding]:  # noqa: ARG001 (packages are this interpreter's, whatever the root)
    """numpy, OpenCV and the engines: whether they load, what they can, and what stands in each other's way."""
    answers = {name: _import(name, code) for name, code in _ASK.items()}
    return [
        _python(),
        _numpy(answers["numpy"]),
        *_opencv(answers["cv2"]),
        *_engines({name: answers[name] for name in ("onnxruntime", "ai_edge_litert", "tflite_runtime")}),
    ]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.maxsize < 2**32:
        return bad("Python", f"{version}, 32 bits", "the engines need a 64-bit system: install that")
    return ok("Python", version)


def _numpy(answer: _Answer) -> Finding:
    if answer.problem or answer.missing:
        return bad("numpy", answer.problem or "not installed", "pip install numpy in the kit's environment")
    return ok("numpy", str(answer.facts["version"]))


def _opencv(answer: _Answer) -> list[Finding]:
    if answer.problem or answer.missing:
        return [bad("OpenCV", answer.problem or "not installed", "pip install opencv-python-headless")]
    facts = answer.facts
    headless = "NONE" in str(facts["gui"]) or str(facts["gui"]) == "NO"
    words = f"{facts['version']}, {'headless' if headless else 'with windows'}, GStreamer {facts['gstreamer']}"
    findings = [ok("OpenCV", f"{words}, FFmpeg {facts['ffmpeg']}")]
    if str(facts["ffmpeg"]).startswith("NO"):
        findings.append(warn("OpenCV", "built without FFmpeg", "RTSP and video files need it: take the pip wheel"))
    both = [name for name in ("opencv-python", "opencv-python-headless", "opencv-contrib-python") if _installed(name)]
    if len(both) > 1:
        findings.append(
            warn("OpenCV", f"{' and '.join(both)} overwrite each other", f"keep one: pip uninstall {both[0]}")
        )
    return findings


def _engines(answers: dict[str, _Answer]) -> list[Finding]:
    findings: list[Finding] = []
    for name, answer in answers.items():
        if answer.problem:
            findings.append(bad(name, answer.problem, f"pip install --force-reinstall {name.replace('_', '-')}"))
        elif not answer.missing:
            delegates = answer.facts.get("delegates")
            listed = ", ".join(str(each) for each in delegates) if isinstance(delegates, list) else ""
            findings.append(ok(name, f"{answer.facts['version']}: {listed}"))
    if all(answer.missing for answer in answers.values()):
        return [bad("engines", "none is installed", "pip install ai-edge-litert (.tflite) or onnxruntime (.onnx)")]
    if answers["onnxruntime"].missing:
        findings.append(note("onnxruntime", "not installed", ".onnx files need it: pip install onnxruntime"))
    if answers["ai_edge_litert"].missing and answers["tflite_runtime"].missing:
        findings.append(note("tflite", "not installed", ".tflite files need it: pip install ai-edge-litert"))
    return findings


def _import(name: str, code: str) -> _Answer:
    program = f"import json\n{code}\nprint(json.dumps(d))"
    try:
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return _Answer({}, "did not load within two minutes")
    if done.returncode == 0:
        return _Answer(json.loads(done.stdout.strip().splitlines()[-1]))
    last = (done.stderr.strip().splitlines() or [""])[-1]
    if f"No module named '{name}'" in last:
        return _Answer({}, missing=True)
    if done.returncode == -signal.SIGILL:
        return _Answer({}, "was built for another processor (illegal instruction)")
    if done.returncode < 0:
        return _Answer({}, f"crashes when it is loaded ({signal.Signals(-done.returncode).name})")
    if "numpy.core.multiarray" in done.stderr or "_ARRAY_API" in done.stderr:
        return _Answer({}, "was built for another numpy (ABI): pip install 'numpy<2' or a newer build of it")
    return _Answer({}, f"does not load: {last[:160]}")


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True
