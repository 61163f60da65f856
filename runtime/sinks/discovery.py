"""Home Assistant's MQTT discovery: the sensors of a source, its lines and zones, found without any configuration."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edgelens.version import __version__

from .mqtt_names import identity

__all__ = ["Sensors", "earlier_places"]


@dataclass(frozen=True)
class Sensors:
    """Topics and payloads that make Home Assistant's sensors of what is said of a source."""

    prefix: str  # Home Assistant's own
    device: str
    source: str
    topic: str  # the source's
    base: str  # the kit's, under which its status stands

    def shown(self) -> tuple[str, str]:
        """What is there now before a source."""
        return self._sensor(
            "sensor",
            "",
            {
                "name": self.source,
                "state_topic": f"{self.topic}/state",
                "value_template": "{{ value_json.state }}",
                "json_attributes_topic": f"{self.topic}/announced",
                "icon": "mdi:eye",
            },
        )

    def said(self, kinds: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Who was announced last before a source, and what was read last, as far as it has said such."""
        for kind in sorted(kinds):
            icon = "mdi:account" if kind == "name" else "mdi:card-text"
            said = {"name": f"{self.source} last {kind}", "icon": icon, "json_attributes_topic": f"{self.topic}/{kind}"}
            value = {"state_topic": f"{self.topic}/{kind}", "value_template": f"{{{{ value_json.{kind} }}}}"}
            yield self._sensor("sensor", f"last {kind}", {**value, **said})

    def places(self, watched: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Both counts of every line; of every zone how many are inside, and whether anybody is."""
        for name in watched.get("lines", {}):
            for way in ("in", "out"):
                value = f"{{{{ value_json.lines[{_quoted(name)}][{_quoted(way)}].values() | sum }}}}"
                said = {"name": f"{self.source} {name} {way}", "state_class": "total_increasing", "icon": "mdi:counter"}
                yield self._sensor("sensor", f"line {name} {way}", {**self._counts(value), **said})
        for name in watched.get("zones", {}):
            inside = f"value_json.zones[{_quoted(name)}].occupancy.values() | sum"
            said = {"name": f"{self.source} {name}", "state_class": "measurement", "icon": "mdi:account-group"}
            yield self._sensor("sensor", f"zone {name}", {**self._counts(f"{{{{ {inside} }}}}"), **said})
            presence = f"{{{{ 'ON' if ({inside}) > 0 else 'OFF' }}}}"
            said = {"name": f"{self.source} {name} presence", "device_class": "occupancy"}
            yield self._sensor("binary_sensor", f"zone {name}", {**self._counts(presence), **said})

    def _counts(self, template: str) -> dict[str, str]:
        return {"state_topic": f"{self.topic}/counts", "value_template": template}

    def _sensor(self, kind: str, what: str, said: Mapping[str, str]) -> tuple[str, str]:
        name = f"edgelens_{identity(self.device)}_{identity(self.source)}" + (f"_{identity(what)}" if what else "")
        payload = {
            **said,
            "unique_id": name,
            "default_entity_id": f"{kind}.{name}",
            "object_id": name,  # what Home Assistant until 2025.9 calls it by, and no version after 2026.3
            "availability_topic": f"{self.base}/status",
            "payload_available": "online",
            "payload_not_available": "offline",
            "device": {
                "identifiers": [f"edgelens_{self.device}"],
                "name": f"edgelens {self.device}",
                "manufacturer": "edgelens",
                "model": "recognizer",
                "sw_version": __version__,
            },
            "origin": {"name": "edgelens", "sw_version": __version__},
        }
        return f"{self.prefix}/{kind}/{name}/config", json.dumps(payload, ensure_ascii=False)


def _quoted(name: str) -> str:
    """A text in a template, as it is: of two escapes for one letter templates make two letters."""
    return json.dumps(name, ensure_ascii=False)


def earlier_places(counts: bytes) -> dict[str, dict[str, Any]]:
    """The lines and zones in counts that an earlier start left at a broker; none of what anybody else wrote there."""
    try:
        said = json.loads(counts)
    except (ValueError, RecursionError):
        return {}
    kinds = ("lines", "zones") if isinstance(said, dict) else ()
    return {kind: said[kind] for kind in kinds if isinstance(said.get(kind), dict)}
