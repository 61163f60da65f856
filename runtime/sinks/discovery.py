"""Home Assistant's MQTT discovery: one sensor a source, found without any configuration."""

from __future__ import annotations

import json

from edgelens.version import __version__

from .mqtt_names import identity

__all__ = ["discovery_message"]


def discovery_message(prefix: str, device: str, source: str, topic: str, base: str) -> tuple[str, str]:
    """Topic and payload that make what is there now before a source a sensor."""
    name = f"edgelens_{identity(device)}_{identity(source)}"
    payload = {
        "name": source,
        "unique_id": name,
        "object_id": name,
        "state_topic": f"{topic}/state",
        "value_template": "{{ value_json.state }}",
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
    return f"{prefix}/sensor/{name}/config", json.dumps(payload, ensure_ascii=False)
