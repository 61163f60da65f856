// Talking to the device: JSON both ways, the frame stream, and events that come back after a lost connection.

export async function get(path) {
  return answer(await fetch(path, { headers: { accept: "application/json" } }));
}

export async function post(path, body) {
  return answer(await fetch(path, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  }));
}

export async function recognize(picture) {
  return answer(await fetch("/v1/recognize", { method: "POST", headers: { "content-type": picture.type }, body: picture }));
}

async function answer(response) {
  const value = await response.json();
  if (!response.ok) throw new Error(value.error || response.statusText);
  return value;
}

// Each record: two big-endian lengths, the result as JSON, the JPEG. An empty one says the connection lives.
export async function readFrames(asked, signal, show) {
  const response = await fetch(`/live/frames${asked}`, { signal });
  if (!response.ok) throw new Error(`the picture stream answered ${response.status}`);
  const reader = response.body.getReader();
  const text = new TextDecoder();
  let buffer = new Uint8Array(1 << 19);
  let used = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    if (used + value.length > buffer.length) {
      const larger = new Uint8Array(2 * (used + value.length));
      larger.set(buffer.subarray(0, used));
      buffer = larger;
    }
    buffer.set(value, used);
    used += value.length;
    let at = 0;
    while (used - at >= 8) {
      const head = new DataView(buffer.buffer, at);
      const middle = at + 8 + head.getUint32(0);
      const end = middle + head.getUint32(4);
      if (used < end) break;
      if (middle > at + 8) {
        show(JSON.parse(text.decode(buffer.subarray(at + 8, middle))), new Blob([buffer.slice(middle, end)], { type: "image/jpeg" }));
      }
      at = end;
    }
    buffer.copyWithin(0, at, used);
    used -= at;
  }
}

export function listen(heard, linked) {
  const events = new EventSource("/live/events");
  for (const kind of ["state", "announced", "notice"]) {
    events.addEventListener(kind, (event) => heard[kind](JSON.parse(event.data)));
  }
  events.addEventListener("open", () => linked(true));
  events.addEventListener("error", () => linked(false));
  return events;
}
