"""Where a broker is, under which topic, and as whom."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import UsageError
from ..host.places import state_folder

__all__ = ["MqttAddress"]

LONGEST_TOPIC = 1000  # bytes; MQTT allows 65,535 with the source's name


@dataclass(frozen=True)
class MqttAddress:
    """A broker and a base topic."""

    host: str
    topic: str
    port: int
    user: str | None = None
    password: str | None = None
    tls: bool = False

    @classmethod
    def parse(cls, url: str) -> MqttAddress:
        """From `mqtt[s]://[user@]host[:port]/topic`; the password comes from EDGELENS_MQTT_PASSWORD."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise UsageError("--mqtt: write it as mqtt://user@host/topic, or mqtts:// for TLS") from None
        topic = unquote(parts.path.strip("/"))
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or not topic or parts.query:
            raise UsageError("--mqtt: write it as mqtt://user@host/topic, or mqtts:// for TLS")
        if parts.password is not None:
            raise UsageError("--mqtt: a password in the address shows in process lists; set EDGELENS_MQTT_PASSWORD")
        if "#" in url or re.search(r"[+\0]", topic):
            raise UsageError(f"--mqtt: the topic {topic!r} must not contain # or +")
        if len(topic.encode("utf-8", "replace")) > LONGEST_TOPIC or not topic.isprintable():
            raise UsageError(f"--mqtt: the topic has more than {LONGEST_TOPIC} bytes, or some that cannot be printed")
        tls = parts.scheme == "mqtts"
        return cls(
            parts.hostname,
            topic,
            port or (8883 if tls else 1883),
            user=unquote(parts.username) if parts.username else None,
            password=os.environ.get("EDGELENS_MQTT_PASSWORD"),
            tls=tls,
        )

    @property
    def outbox(self) -> Path:
        """Where messages wait: one a broker, what waits for one is never sent to another."""
        return state_folder() / f"mqtt-{re.sub(r'[^A-Za-z0-9.]+', '_', self.host)}-{self.port}.sqlite"
