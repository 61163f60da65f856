// Lines and zones drawn with the pointer: a line from press to release, a zone corner by corner.

import { outline } from "./places.js";

const CLOSE = 0.03; // a corner so near to the first one closes the zone

export class PlaceEditor {
  constructor(picture, canvas, buttons, cancel, apply) {
    Object.assign(this, { picture, canvas, buttons, cancel, apply, kind: "", points: [], at: null, value: { lines: {}, zones: {} }, sending: 0 });
    cancel.addEventListener("click", () => {
      this.buttons[this.kind].focus();
      this.leave();
    });
    for (const [kind, button] of Object.entries(buttons)) button.addEventListener("click", () => this.toggle(kind));
    picture.addEventListener("pointerdown", (event) => this.down(event));
    picture.addEventListener("pointermove", (event) => this.move(event));
    picture.addEventListener("pointerup", (event) => this.up(event));
    picture.ownerDocument.addEventListener("keydown", (event) => this.key(event));
  }

  // What the device says holds, except while it has not heard the newest yet.
  set(value) {
    if (this.sending) return;
    this.value = value || { lines: {}, zones: {} };
    this.shows(this.value);
  }

  toggle(kind) {
    this.kind = this.kind === kind ? "" : kind;
    if (this.kind) this.begins();
    this.points = [];
    this.at = null;
    this.cancel.hidden = !this.kind;
    this.picture.classList.toggle("drawing", Boolean(this.kind));
    for (const [name, button] of Object.entries(this.buttons)) button.setAttribute("aria-pressed", String(name === this.kind));
  }

  leave() {
    if (this.kind) this.toggle(this.kind);
  }

  begins() {} // whoever else draws on this picture leaves off

  shows() {} // whoever lists what is there

  down(event) {
    if (!this.kind || event.button !== 0) return;
    event.preventDefault();
    const point = this.point(event);
    if (this.kind === "lines") {
      this.picture.setPointerCapture(event.pointerId);
      this.points = [point];
    } else if (this.points.length > 2 && near(point, this.points[0])) {
      this.done(this.points);
    } else {
      this.points.push(point);
    }
  }

  move(event) {
    if (this.kind) this.at = this.point(event);
  }

  up(event) {
    if (this.kind !== "lines" || !this.points.length) return;
    const to = this.point(event);
    if (near(to, this.points[0])) this.points = [];
    else this.done([this.points[0], to]);
  }

  key(event) {
    if (!this.kind || event.target.closest("input, select, textarea, dialog")) return; // somebody types
    const placed = this.value[this.kind];
    if (event.key === "Escape") this.toggle(this.kind);
    else if (event.key === "Enter" && this.points.length > 2) this.done(this.points);
    else if (event.key === "Delete" || event.key === "Backspace") {
      if (this.points.length) this.points.pop();
      else this.change(this.kind, Object.fromEntries(Object.entries(placed).slice(0, -1)));
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  done(points) {
    const placed = this.value[this.kind], word = { lines: "line", zones: "zone" }[this.kind];
    let number = 1;
    while (`${word} ${number}` in placed) number += 1;
    this.change(this.kind, { ...placed, [`${word} ${number}`]: points.flat() });
    this.toggle(this.kind);
  }

  async change(kind, placed) {
    this.value = { ...this.value, [kind]: placed };
    this.shows(this.value);
    this.sending += 1;
    await this.apply(this.value);
    this.sending -= 1;
  }

  // What is being drawn, over the newest picture.
  paint(paint, { width, height }) {
    if (!this.kind || !this.points.length) return;
    outline(paint, this.at ? [...this.points, this.at] : this.points, width, height, "#4fd6c4", false);
  }

  point(event) {
    const area = this.canvas.getBoundingClientRect();
    return [tidy((event.clientX - area.left) / area.width), tidy((event.clientY - area.top) / area.height)];
  }
}

function near([x, y], [u, v]) {
  return Math.hypot(x - u, y - v) < CLOSE;
}

function tidy(value) {
  return Math.round(Math.min(Math.max(value, 0), 1) * 1e4) / 1e4;
}
