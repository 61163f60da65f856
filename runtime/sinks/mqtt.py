"""Results to an MQTT broker: QoS 1 from an outbox on disk, so that a broker that is away for an hour loses nothing.

Topics under the base topic: `status` (online or offline, retained, the last will), `SOURCE/announced` (the result that
announced a label, retained), `SOURCE/state` (what is there now, or "none", retained), `SOURCE/results` (every result,
when asked for), `SOURCE/notice` (lost, back, retained), `SOURCE/event` (a line crossed, a zone entered, left, loitered
in), `SOURCE/counts` (lines and zones as they stand, retained), `SOURCE/name` and `SOURCE/text` (who was announced last,
and what was read last, retained).
Every message carries an `id` that stays the same when it has to be sent again.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from typing import Any

from ..errors import UsageError
from ..result import Result
from .discovery import Sensors, earlier_places
from .last_said import LastSaid
from .losses import Losses, reason
from .mqtt_address import MqttAddress
from .mqtt_names import topic_level
from .options.mqtt import MqttOptions
from .outbox import Message, Outbox
from .protocol import Notice

__all__ = ["MqttSink"]

NOTHING = "none"
WINDOW = 20  # messages under way at a time
GATHER_S = 0.25  # results (not announcements) are written to disk this often
SOON_S = 0.01  # how often the broker's answers are looked for while messages are under way
LAST_S = 2.0  # for what is left to say when a run ends, while the broker takes it or has not been reached yet
LEAVE_S = 0.5


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)


class MqttSink:
    """Publishes results while it is entered; never waits for the broker."""

    name = "mqtt"

    def __init__(self, options: MqttOptions, *, device: str, say: Callable[[str], None] = _to_stderr) -> None:
        assert options.url is not None
        self.options, self.device, self._say = options, device, say
        self.address = MqttAddress.parse(options.url)
        self.losses = Losses(self.name, say)
        self.outbox = Outbox(options.outbox or self.address.outbox, losses=self.losses)
        self._stack = ExitStack()
        self._under_way: dict[int, Message] = {}  # by what paho calls them
        self._arrived: deque[int] = deque()  # what the broker has taken
        self._gathered: list[Message] = []
        self._sources: set[str] = set()
        self._watched: dict[str, Mapping[str, Any]] = {}  # a source's lines and zones as they were last said to stand
        self._states: dict[str, str] = {}  # what a source was last said to show
        self._last_said: dict[str, LastSaid] = {}  # a source's names and texts
        self._asked: dict[str, Callable[[bytes], None]] = {}  # what to do with what an earlier start left at a topic
        self._begun: set[str] = set()  # the sources of which there was a result
        self._lost: dict[str, float] = {}  # when a source was lost, monotonic: what was seen before is no news any more
        self._sensors: dict[str, set[str]] = {}  # the topics of a source's sensors that Home Assistant was told of
        self._wake = threading.Condition()
        self._stopping = self._connected = False
        self.trouble = ""  # why messages wait; empty while the broker takes them
        self._said = ""
        self._thread = threading.Thread(target=self._work, name="edgelens-mqtt", daemon=True)

    @property
    def client_id(self) -> str:
        """What the broker knows this process by: another one's would throw it out, a new one leave the last will."""
        return f"edgelens-{self.device[:40]}-{self.outbox.client}"

    @property
    def waiting(self) -> int:
        """Messages in the outbox that the broker has not taken."""
        return len(self.outbox)

    def write(self, result: Result) -> None:
        """Queue a result: announcements at once and safely, others as they gather."""
        self._introduce(result.frame.source)
        topic, messages = self._topic(result.frame.source), []
        if result.announced is not None:
            messages.append(self._message(f"{topic}/announced", result.to_json(), retain=True))
        if self._is_news(result):
            messages += self._state(result.frame.source, result.standing, result.frame.time)
        messages += self._said_last(result)
        messages += self._places(result)
        self._ask_for_earlier(result)
        self.outbox.put(messages)
        if not messages and not self.options.every:
            return
        with self._wake:
            if self.options.every:
                self._gathered.append(self._message(f"{topic}/results", result.to_json()))
            self._wake.notify()

    def notice(self, notice: Notice) -> None:
        """Queue what happened to a source."""
        self._introduce(notice.source)
        messages = []
        if notice.kind != "ended":  # which `status` says of all sources, and no next start would take back
            messages.append(self._message(f"{self._topic(notice.source)}/notice", asdict(notice), retain=True))
        if notice.kind in ("lost", "ended"):  # nobody sees whether it is still there
            self._lost[notice.source] = time.monotonic()
            messages += self._state(notice.source, (), notice.time)
            messages += self._nobody(notice.source)
        elif notice.kind == "back":
            self._lost.pop(notice.source, None)
        self.outbox.put(messages)
        with self._wake:
            self._wake.notify()

    def __enter__(self) -> MqttSink:
        try:
            import paho.mqtt.client as paho
        except ImportError:
            raise UsageError("--mqtt needs paho-mqtt 2: pip install 'edgelens[mqtt]'") from None
        address = self.address
        with ExitStack() as opened:
            opened.enter_context(self.outbox)
            self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=self.client_id)
            self._client.max_inflight_messages_set(WINDOW)
            self._client.reconnect_delay_set(1, 30)
            self._client.will_set(f"{address.topic}/status", "offline", qos=1, retain=True)
            if address.user is not None:
                self._client.username_pw_set(address.user, address.password)
            if address.tls:
                self._client.tls_set()
            self._client.on_connect, self._client.on_disconnect = self._on_connect, self._on_disconnect
            self._client.on_connect_fail, self._client.on_message = self._on_connect_fail, self._on_message
            self._client.on_publish = self._on_publish
            self._client.connect_async(address.host, address.port, self.options.keepalive_s)
            self._client.loop_start()
            opened.callback(self._leave)
            self._thread.start()
            self._stack = opened.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        deadline = time.monotonic() + LAST_S  # a run of one photo is over before the broker has answered
        while (self._gathered or self._under_way or self.waiting) and not self.trouble and time.monotonic() < deadline:
            time.sleep(SOON_S)
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join(2)
        self._forget_arrived()
        self.outbox.put([*(message for message in self._under_way.values() if not message.row), *self._gathered])
        if self._connected:
            left = self._client.publish(f"{self.address.topic}/status", "offline", qos=1, retain=True)
            with contextlib.suppress(RuntimeError, ValueError):  # the connection broke now: there is the last will
                left.wait_for_publish(LEAVE_S)
            self._client.disconnect()
        self._stack.close()

    def _leave(self) -> None:
        """Ends paho's thread, without waiting for one that hangs in a connection attempt."""
        leaving = threading.Thread(target=self._client.loop_stop, daemon=True)
        leaving.start()
        leaving.join(LEAVE_S)

    def _work(self) -> None:
        """Moves messages from the outbox to the broker, a window at a time, and forgets what has arrived."""
        sent = 0
        while True:
            with self._wake:
                self._wake.wait(SOON_S if self._under_way else GATHER_S)
                gathered, self._gathered = self._gathered, []
                stopping = self._stopping
            self.outbox.put(gathered)
            self._forget_arrived()
            while self._connected and (room := WINDOW - len(self._under_way)) > 0:
                messages = self.outbox.next(sent, room)
                for message in messages:
                    info = self._client.publish(message.topic, message.payload, qos=1, retain=message.retain)
                    self._under_way[info.mid] = message  # also one that paho sends when it is connected again
                    sent = max(sent, message.row)
                if len(messages) < room:
                    break
            if stopping:
                return

    def _forget_arrived(self) -> None:
        """Take the broker's answers; those to other messages than the outbox's say nothing here."""
        arrived = [self._arrived.popleft() for _ in range(len(self._arrived))]
        rows = [self._under_way.pop(mid).row for mid in arrived if mid in self._under_way]
        if rows:
            self.outbox.done(rows)

    def _on_connect(self, client: Any, userdata: Any, flags: Any, code: Any, properties: Any) -> None:  # noqa: ARG002
        if code.is_failure:
            self._away(f"refuses: {code}")
            return
        self.trouble = ""
        self._tell(f"mqtt: connected to {self.address.host}")
        client.publish(f"{self.address.topic}/status", "online", qos=1, retain=True)
        if self.options.discovery:
            client.subscribe(f"{self.options.discovery}/status", qos=1)
        for source in tuple(self._sources):
            self._discover(source)
        for topic in tuple(self._asked):
            client.subscribe(topic, qos=1)
        self._connected = True
        with self._wake:
            self._wake.notify()

    def _on_publish(self, client: Any, userdata: Any, mid: int, code: Any, properties: Any) -> None:  # noqa: ARG002
        self._arrived.append(mid)

    def _on_disconnect(self, client: Any, userdata: Any, flags: Any, code: Any, properties: Any) -> None:  # noqa: ARG002
        was, self._connected = self._connected, False
        if was and not self._stopping:  # else it has refused, which is said already
            self._away("is away")

    def _on_connect_fail(self, client: Any, userdata: Any) -> None:  # noqa: ARG002
        error = sys.exc_info()[1]  # paho asks while it handles what went wrong
        why = f" ({reason(error)})" if error is not None else ""
        if not self.trouble:  # what is away is said once, not at every try
            self._away(f"is away{why}")

    def _away(self, what: str) -> None:
        self.trouble = f"{self.address.host} {what}"
        self._tell(f"mqtt: {self.trouble}; messages wait in {self.outbox.path}")

    def _on_message(self, client: Any, userdata: Any, message: Any) -> None:  # noqa: ARG002
        """What an earlier start left at the broker; or Home Assistant has started anew and asks for its sensors."""
        if (hear := self._asked.pop(message.topic, None)) is not None:
            client.unsubscribe(message.topic)
            if message.retain:
                hear(message.payload)
        elif message.payload == b"online":
            for source in tuple(self._sources):
                self._discover(source)

    def _introduce(self, source: str) -> None:
        if source not in self._sources:
            self._sources.add(source)
            if self._connected:
                self._discover(source)

    def _discover(self, source: str) -> None:
        if self.options.discovery:
            last = self._last_said.get(source)
            sensors = Sensors(self.options.discovery, self.device, source, self._topic(source), self.address.topic)
            now = dict(
                (
                    sensors.shown(),
                    *sensors.said(last.announced if last else ()),
                    *sensors.places(self._watched.get(source, {})),
                )
            )
            gone = self._sensors.get(source, set()) - now.keys()  # an empty message takes a sensor away
            for topic, payload in (*((topic, "") for topic in gone), *now.items()):
                self._client.publish(topic, payload, qos=1, retain=True)
            self._sensors[source] = set(now)

    def _ask_for_earlier(self, result: Result) -> None:
        """Before a source's first counts are sent: ask what an earlier start, that was killed, left at the broker."""
        if (source := result.frame.source) in self._begun:
            return
        self._begun.add(source)
        topic = self._topic(source)
        self._asked[f"{topic}/counts"] = partial(self._take_away, source, result.watched)
        self._asked[f"{topic}/notice"] = partial(self._is_back, source)
        if self._connected:
            self._client.subscribe([(f"{topic}/{left}", 1) for left in ("counts", "notice")])

    def _take_away(self, source: str, watched: Mapping[str, Any], counts: bytes) -> None:
        """Lines and zones that are there no more: somebody would be in them for ever."""
        before = earlier_places(counts)
        if self.options.discovery:
            sensors = Sensors(self.options.discovery, self.device, source, self._topic(source), self.address.topic)
            for gone in dict(sensors.places(before)).keys() - dict(sensors.places(watched)).keys():
                self._client.publish(gone, "", qos=1, retain=True)
        if any(before.values()) and not any(watched.values()):
            self._client.publish(f"{self._topic(source)}/counts", "", qos=1, retain=True)

    def _is_back(self, source: str, notice: bytes) -> None:
        """A source that was lost when an earlier start ended: it would be lost for ever."""
        if source not in self._lost and b'"kind":"lost"' in notice:
            self.notice(Notice(source, "back", f"{source}: is back", time.time()))

    def _topic(self, source: str) -> str:
        return f"{self.address.topic}/{topic_level(source)}"

    def _state(self, source: str, standing: tuple[str, ...], moment: float) -> list[Message]:
        """The message that says what is there now, where that is news: the label announced last, else "none"."""
        state = standing[-1] if standing else NOTHING
        if self._states.get(source) == state:
            return []
        self._states[source] = state
        said = {"state": state, "standing": list(standing), "source": source, "time": round(moment, 6)}
        return [self._message(f"{self._topic(source)}/state", said, retain=True)]

    def _said_last(self, result: Result) -> list[Message]:
        """The message that says who was announced, or what was read, with a result."""
        source = result.frame.source
        last = self._last_said.setdefault(source, LastSaid())
        kind = last.hear(result)
        if kind is None:
            return []
        if kind not in last.announced:
            last.announced.add(kind)
            if self._connected:
                self._discover(source)
        said = {kind: result.announced, "source": source, "time": round(result.frame.time, 6)}
        return [self._message(f"{self._topic(source)}/{kind}", said, retain=True)]

    def _places(self, result: Result) -> list[Message]:
        """What happened at lines and in zones, and how they stand, where that is news."""
        source, watched = result.frame.source, result.watched
        before = self._watched.get(source, {})
        if not any(watched.values()) and not any(before.values()):
            return []
        topic, said = self._topic(source), {"source": source, "time": round(result.frame.time, 6)}
        messages = [self._message(f"{topic}/event", {**said, **event}) for event in result.events]
        if before != watched and self._is_news(result):
            self._watched[source] = watched
            messages.append(self._message(f"{topic}/counts", {**said, **watched}, retain=True))
            if _names(before) != _names(watched) and self._connected:
                self._discover(source)
        return messages

    def _is_news(self, result: Result) -> bool:
        """Whether the source is still there; a frame may be recognized when it is lost already."""
        return result.frame.captured > self._lost.get(result.frame.source, float("-inf"))

    def _nobody(self, source: str) -> list[Message]:
        """Nobody sees any more who is in a zone: they are said to be empty."""
        if not self._watched.get(source, {}).get("zones"):
            return []
        from ..zones.standing import with_nobody

        before, self._watched[source] = self._watched[source], with_nobody(self._watched[source])
        if before == self._watched[source]:  # a file's last result has said so
            return []
        said = {"source": source, "time": round(time.time(), 6), **self._watched[source]}
        return [self._message(f"{self._topic(source)}/counts", said, retain=True)]

    def _message(self, topic: str, value: dict[str, Any], *, retain: bool = False) -> Message:
        text = json.dumps({"id": uuid.uuid4().hex, **value}, ensure_ascii=False, separators=(",", ":"))
        return Message(topic, text.encode("utf-8", "backslashreplace"), retain)

    def _tell(self, line: str) -> None:
        if line != self._said:  # a broker that is away for a week is said once
            self._said = line
            self._say(line)


def _names(watched: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The lines and zones that there are."""
    return [(kind, name) for kind, places in watched.items() for name in places]
