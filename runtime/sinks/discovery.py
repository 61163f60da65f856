"""Home Assistant's MQTT discovery: one sensor a source, found without any configuration."""

from __future__ import annotations

import json
import re

from edgelens.version import __version__

__all__ = ["discovery_message"]


def discovery_message(prefix: str, device: str, source: str, topic: str, base: str) -> tuple[str, str]:
    """Topic and payload that make a source's announced label a sensor."""
    place = topic.rpartition("/")[2]
    identity = re.sub(r"[^A-Za-z0-9_-]+", "_", f"edgelens_{device}_{place}")
    payload = {
        "name": source,
        "unique_id": identity,
        "object_id": identity,
        "state_topic": f"{topic}/announced",
        "value_template": "{{ value_json.announced }}",
        "json_attributes_topic": f"{topic}/announced",
        "availability_topic": f"{base}/status",
        "payload_available": "online",
        "payload_not_available": "offline",
        "icon": "mdi:eye",
        "device": {
            "identifiers": [f"edgelens_{device}"],
            "name": f"edgelens {device}",
            "manufacturer": "edgelens",
            "model": "recognizer",
            "sw_version": __version__,
        },
        "origin": {"name": "edgelens", "sw_version": __version__},
    }
    return f"{prefix}/sensor/{identity}/config", json.dumps(payload, ensure_ascii=False)
