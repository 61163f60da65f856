"""What the MQTT sink can be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...said import Said, option

__all__ = ["MqttOptions"]


@dataclass(frozen=True)
class MqttOptions:
    """Where to and what."""

    url: str | None = option(Said("Send results to mqtt://[USER@]HOST/TOPIC.", "URL", flag="--mqtt", needs="mqtt"))
    every: bool = option(Said("Send every result, not only announcements.", flag="--mqtt-all"), default=False)
    outbox: Path | None = None  # where messages wait; one a broker among the device's state unless said
    discovery: str | None = "homeassistant"  # Home Assistant's discovery prefix
    keepalive_s: int = 30
