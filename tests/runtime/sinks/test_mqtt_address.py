"""Where a broker is: read from an address, refused in a line that never shows the password."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgelens.runtime.errors import UsageError
from edgelens.runtime.sinks.mqtt import MqttSink
from edgelens.runtime.sinks.mqtt_address import MqttAddress
from edgelens.runtime.sinks.mqtt_names import topic_level
from edgelens.runtime.sinks.options.mqtt import MqttOptions


@pytest.mark.parametrize("url", ["http://host/topic", "mqtt://host", "mqtt:///topic", "mqtt://host:x/topic",
                                 "mqtt://u:secret@host/topic", "mqtt://host/a/#", "mqtt://[::1/topic",
                                 "mqtt://host/" + "x" * 9000, "mqtt://host/a%00b", "mqtt://host/a%1bb",
                                 "mqtt://host:99999/topic"])  # fmt: skip
def test_addresses_that_are_wrong_are_told_without_the_password(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as told:
        MqttSink(MqttOptions(url, outbox=tmp_path / "box"), device="d")
    assert "secret" not in str(told.value)


def test_addresses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGELENS_MQTT_PASSWORD", "hidden")
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    address = MqttAddress.parse("mqtts://me@host/home/door")
    assert address == MqttAddress("host", "home/door", 8883, user="me", password="hidden", tls=True)
    assert address.outbox == tmp_path / "mqtt-host-8883.sqlite"
    assert topic_level("rtsp://hall/2?x=#+").startswith("rtsp_hall_2_x_")
