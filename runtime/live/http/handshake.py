"""A TLS session for one connection, with buffers of its size: asyncio takes 256 kB for each, however many come."""

from __future__ import annotations

import asyncio
import socket
import ssl
from asyncio import sslproto

__all__ = ["shaken_hands"]


class _Session(sslproto.SSLProtocol):
    max_size = 32 * 1024  # since Python 3.11: of what is read at one time


async def shaken_hands(
    app: asyncio.BaseProtocol, line: socket.socket, tls: ssl.SSLContext, patience_s: float
) -> asyncio.Transport:
    """Complete the handshake, after which the app's protocol has its connection; the session closes the socket.

    The transport below the session is given back: what is encrypted and not sent waits there.
    """
    loop = asyncio.get_running_loop()
    waiter = loop.create_future()
    session = _Session(loop, app, tls, waiter, server_side=True, ssl_handshake_timeout=patience_s)  # type: ignore[arg-type]
    transport, _ = await loop.connect_accepted_socket(lambda: session, line)
    try:
        await waiter
    except BaseException:
        transport.abort()
        raise
    return transport
