"""uvicorn behind the kit's own door: it serves, but who comes in is decided here."""

from __future__ import annotations

import asyncio
import socket

import uvicorn

from .budget import Budget
from .crowd import Crowd, Guest
from .door import Door
from .patience import http_protocol

__all__ = ["GuardedServer"]


class GuardedServer(uvicorn.Server):
    """Listens on one bound socket, within a budget."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket, budget: Budget) -> None:
        super().__init__(config)
        self._listener, self._budget = listener, budget.fitted()
        self._crowd = Crowd(self._budget)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the app; uvicorn itself listens on nothing."""
        await super().startup(sockets=sockets or [])
        kind = http_protocol()

        def greet(guest: Guest) -> asyncio.BaseProtocol:
            protocol: asyncio.BaseProtocol = kind(
                guest,
                self._budget,
                self._crowd,
                config=self.config,
                server_state=self.server_state,
                app_state=self.lifespan.state,
            )
            return protocol

        door = Door(self._listener, greet, self._budget, crowd=self._crowd, tls=self.config.ssl)
        door.open()
        self.servers.append(door)  # type: ignore[arg-type]
