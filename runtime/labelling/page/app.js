// The labelling page: one picture after another, with keys or with a finger.

import * as desk from "./api.js";
import { followHand } from "./hand.js";
import { Sheet } from "./sheet.js";
import { color, View } from "./view.js";

const KEYS = "1234567890abcdefghijklmopqrstuvwxyz"; // n draws
const find = (id) => document.getElementById(id);
const view = new View(document);
const sheet = new Sheet(draw);
let all = { classes: [], done: [] };
const trail = []; // the pictures gone on from, each as it was before, the last one last
const TRAIL = 100;
let at = 0;
let turning = 0;

function say(error) {
  const line = find("message");
  line.hidden = !error;
  line.textContent = error ? error.message || String(error) : "";
}

function attempt(work) {
  try {
    work();
    say(null);
  } catch (error) {
    say(error);
  }
}

function draw() {
  view.draw(sheet.boxes, sheet.marked);
  const shown = sheet.withBoxes ? (sheet.marked == null ? sheet.current : sheet.boxes[sheet.marked].label) : sheet.label;
  const row = find("classes");
  // a button that a finger is on stays the one it is
  all.classes.slice(row.children.length).forEach((label) => row.append(classButton(label, row.children.length)));
  all.classes.forEach((label, i) => row.children[i].setAttribute("aria-pressed", String(label === shown)));
  offer();
  document.body.dataset.boxes = sheet.boxes.length;
  document.body.dataset.label = sheet.label;
}

// What can be done now.
function offer() {
  const removable = sheet.withBoxes ? sheet.marked != null || sheet.boxes.some((row) => row.proposed) : Boolean(sheet.label);
  find("remove").disabled = !removable;
  find("crowd").disabled = sheet.marked == null;
  find("undo").disabled = !sheet.past.length && !trail.length;
}

function classButton(label, number) {
  const button = document.createElement("button");
  button.type = "button";
  const dot = document.createElement("i");
  dot.style.background = color(label);
  const key = document.createElement("kbd");
  key.textContent = KEYS[number] || "";
  button.append(key, dot, label);
  onClick(button, () => choose(label, true));
  return button;
}

// Keys mean the picture again after a click, not the button.
function onClick(button, work) {
  button.addEventListener("click", () => {
    work();
    find("stage").focus({ preventScroll: true });
  });
}

// What a picture shows as a whole is said with one key: it is the next one's turn then.
function choose(label, byHand) {
  if (!sheet.ready || sheet.broken) return;
  attempt(() => {
    const before = sheet.kept();
    sheet.name(label);
    if (!sheet.withBoxes && !byHand) goOn(before);
  });
}

async function turnTo(number, before) {
  if (number < 0 || number >= all.done.length) return;
  const turn = ++turning;
  sheet.ready = false;
  at = number;
  try {
    const picture = await desk.picture(number);
    if (turn !== turning) return;
    view.show(picture);
    for (const row of picture.boxes) learn(row.label);
    if (picture.label) learn(picture.label);
    sheet.current ||= all.classes[0] || "";
    sheet.take(picture, all.boxes);
    if (before) sheet.restore(before);
    find("where").textContent = picture.name;
  } catch (error) {
    if (turn !== turning) return;
    say(error);
    sheet.takeNothing();
    view.clear();
    offer();
  }
  document.body.dataset.at = number;
  count();
  desk.keepNear(number, all.done.length);
}

function learn(label) {
  if (!all.classes.includes(label)) all.classes.push(label);
}

function count() {
  const done = all.done.filter(Boolean).length;
  find("done").textContent = `${at + 1} of ${all.done.length}, ${done} done`;
  document.body.dataset.done = done;
  find("back").disabled = at === 0;
}

// What is refused leaves the picture as it was.
function send(number, marks, wasDone) {
  desk.send(number, marks).then((answer) => {
    all.done[number] = answer.done;
    for (const label of answer.classes) learn(label);
    count();
    say(null);
  }, (error) => {
    all.done[number] = wasDone;
    count();
    say(error);
  });
}

function forward() {
  if (!sheet.ready) return;
  if (sheet.broken) {
    turnTo(at + 1);
    return;
  }
  goOn(sheet.kept());
}

function goOn(before) {
  if (!sheet.withBoxes && !sheet.label) throw new Error("what does it show? press a class's key");
  leave(before, true);
  all.done[at] = true;
  if (at + 1 < all.done.length) turnTo(at + 1);
  else {
    sheet.wasSent();
    for (const row of sheet.boxes) row.proposed = false;
    draw();
    count();
  }
}

function backward() {
  if (!sheet.ready || at === 0) return;
  if (sheet.edited) leave(sheet.kept(), sheet.done);
  turnTo(at - 1);
}

function leave(before, done) {
  trail.push([at, before]);
  if (trail.length > TRAIL) trail.shift();
  send(at, sheet.marks(done), before.marks.done);
}

// Where nothing is left to undo of a picture, the one that was left last is before us again, as it was.
function undo() {
  if (!sheet.ready) return;
  if (sheet.past.length || !trail.length) {
    sheet.undo();
    return;
  }
  const [number, before] = trail.pop();
  send(number, before.marks, all.done[number]);
  turnTo(number, before);
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const AGAIN = ["Tab", "Backspace", ...Object.keys(ARROWS)]; // while they are held: no other key means two pictures
const COMMANDS = {
  Enter: forward,
  " ": forward,
  Backspace: backward,
  Tab: (event) => sheet.markNext(event.shiftKey ? -1 : 1),
  Delete: () => sheet.remove(),
  "-": () => sheet.remove(),
  Escape: () => sheet.mark(null),
  n: () => sheet.addInTheMiddle(),
  "*": () => all.crowds && sheet.turnCrowd(),
};

document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, summary, button") && event.key !== "Escape") return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key; // the same with Caps Lock
  if (event.ctrlKey || event.metaKey) {
    if (key !== "z" || event.shiftKey) return;
    event.preventDefault();
    undo();
    return;
  }
  const command = COMMANDS[key];
  const arrow = ARROWS[key];
  const label = all.classes[KEYS.indexOf(key)];
  if (sheet.broken && command !== forward && command !== backward) return;
  if (!sheet.ready || !(command || arrow || (key.length === 1 && label))) return;
  if (key === "Tab" && !sheet.boxes.length) return;
  event.preventDefault();
  if (event.repeat && !AGAIN.includes(key)) return;
  if (event.target.matches("input")) find("stage").focus();
  if (command) attempt(() => command(event));
  else if (arrow) {
    const step = event.altKey ? 1 : Math.max(Math.round(8 * view.unit), 1);
    attempt(() => sheet.nudge(arrow[0] * step, arrow[1] * step, event.shiftKey));
  } else choose(label, false);
});

for (const [id, work] of [["next", forward], ["back", backward], ["undo", undo], ["remove", () => sheet.remove()], ["crowd", () => sheet.turnCrowd()]]) {
  onClick(find(id), () => attempt(work));
}

find("new").addEventListener("submit", async (event) => {
  event.preventDefault();
  const label = find("name").value.trim();
  if (!label) return;
  try {
    for (const known of (await desk.addClass(label)).classes) learn(known);
    find("name").value = "";
    sheet.current = label;
    find("stage").focus({ preventScroll: true });
    if (sheet.marked != null) sheet.name(label);
    draw();
    say(null);
  } catch (error) {
    say(error);
  }
});

new ResizeObserver(() => sheet.ready && !sheet.broken && draw()).observe(find("stage"));
addEventListener("pagehide", () => sheet.ready && !sheet.broken && sheet.edited && send(at, sheet.marks(sheet.done), sheet.done));

followHand(view, sheet);
desk.state().then((state) => {
  all = state;
  find("stage").focus();
  for (const part of document.querySelectorAll(".crowds")) part.hidden = !state.crowds;
  document.title = `${state.out} — edgelens label`;
  return turnTo(state.first);
}).catch(say);
