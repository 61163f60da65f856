// Talking to the desk: pictures are fetched ahead, what was said is sent in its order and never waited for.

const cache = new Map(); // number → promise of a picture, its image decoded
let sending = Promise.resolve();
const versions = new Map(); // of the pictures as this page knows them
let session = ""; // so that a picture of an earlier start is not taken for this one's

async function answer(response) {
  const value = await response.json();
  if (!response.ok) throw new Error(value.error || response.statusText);
  return value;
}

export async function get(path) {
  return answer(await fetch(path));
}

async function post(path, body) {
  return answer(await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }));
}

export async function state() {
  const said = await get("/label/state");
  session = said.session;
  return said;
}

export function addClass(label) {
  return post("/label/classes", { label });
}

export function send(number, marks) {
  cache.delete(number);
  sending = sending.catch(() => {}).then(() => posted(number, marks));
  return sending;
}

async function posted(number, marks) {
  const said = await post(`/label/${number}`, { ...marks, session, since: versions.get(number) });
  versions.set(number, said.version);
  return said;
}

// What was said of a picture must have arrived before it is asked for again.
export function picture(number) {
  if (!cache.has(number)) cache.set(number, sending.catch(() => {}).then(() => fetched(number)));
  const found = cache.get(number);
  found.catch(() => cache.delete(number));
  return found;
}

async function fetched(number) {
  const marks = get(`/label/${number}`);
  const image = new Image();
  image.src = `/label/${number}/image?${session}`;
  const said = await marks;
  versions.set(number, said.version);
  try {
    await image.decode();
  } catch {
    throw new Error(`${said.name} cannot be shown`);
  }
  return { ...said, src: image.src, image };
}

// Pictures far from here are let go of.
export function keepNear(number, count) {
  for (const other of cache.keys()) if (Math.abs(other - number) > 6) cache.delete(other);
  for (const near of [number + 1, number + 2]) if (near < count) picture(near).catch(() => {});
}
