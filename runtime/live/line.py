"""A connection to a page or service, by its address."""

from __future__ import annotations

import http.client
import ssl
from urllib.parse import SplitResult

__all__ = ["line_to"]


def line_to(
    address: SplitResult, port: int | None, timeout_s: float, *, found_here: bool
) -> http.client.HTTPConnection:
    """Not opened yet. What was `found_here` may show a certificate that nobody has signed: the machine asks itself."""
    host = address.hostname or ""
    if address.scheme != "https":
        return http.client.HTTPConnection(host, port, timeout=timeout_s)
    trust = ssl.create_default_context()
    if found_here:
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=trust)
