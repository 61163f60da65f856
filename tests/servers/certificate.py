"""A certificate of a server's own for localhost."""

from __future__ import annotations

import subprocess
from pathlib import Path

from edgelens.runtime.live.http.server import Tls

__all__ = ["certificate"]


def certificate(folder: Path) -> Tls:
    """Made in a folder, for two days."""
    made = Tls(folder / "cert.pem", folder / "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", made.key, "-out", made.cert],
        check=True, capture_output=True,
    )  # fmt: skip
    return made
