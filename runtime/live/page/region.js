// The region that is recognized: drawn with the pointer or moved with the keyboard, in fractions of the picture.

const STEP = 0.02;
const SMALLEST = 0.04;

export class RegionEditor {
  constructor(picture, canvas, frame, button, apply) {
    Object.assign(this, { picture, canvas, frame, button, apply, value: null, editing: false, timer: 0 });
    frame.append(document.createElement("i"));
    frame.setAttribute("role", "group");
    button.addEventListener("click", () => this.toggle());
    picture.addEventListener("pointerdown", (event) => this.down(event));
    picture.addEventListener("pointermove", (event) => this.move(event));
    picture.addEventListener("pointerup", () => this.up());
    picture.addEventListener("pointercancel", () => this.up());
    frame.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.place()).observe(canvas);
  }

  // What the device says holds, except while somebody is drawing.
  set(region) {
    if (this.editing || this.timer) return;
    this.value = region;
    this.place();
  }

  toggle() {
    this.edit(!this.editing);
    if (this.editing) {
      this.begins();
      this.value ||= [0.25, 0.25, 0.5, 0.5];
      this.change(this.value);
      this.frame.focus();
    } else {
      this.button.focus();
    }
    this.place();
  }

  leave() {
    this.edit(false);
  }

  begins() {} // whoever else draws on this picture leaves off

  edit(editing) {
    this.editing = editing;
    this.button.setAttribute("aria-pressed", String(editing));
    this.picture.classList.toggle("editing", editing);
    this.frame.tabIndex = editing ? 0 : -1;
  }

  down(event) {
    if (!this.editing || event.button !== 0) return;
    event.preventDefault();
    this.picture.setPointerCapture(event.pointerId);
    const at = this.point(event);
    const [x, y, w, h] = this.value || [0, 0, 0, 0];
    if (event.target.tagName === "I") this.drag = { kind: "draw", from: [x, y] };
    else if (event.target === this.frame) this.drag = { kind: "move", from: at, start: [x, y, w, h] };
    else this.drag = { kind: "draw", from: at };
  }

  move(event) {
    if (!this.drag) return;
    const [px, py] = this.point(event);
    const [fx, fy] = this.drag.from;
    if (this.drag.kind === "draw") {
      this.change(tidy([Math.min(fx, px), Math.min(fy, py), Math.abs(px - fx), Math.abs(py - fy)]));
    } else {
      const [x, y, w, h] = this.drag.start;
      this.change(tidy([x + px - fx, y + py - fy, w, h]));
    }
  }

  up() {
    if (!this.drag) return;
    this.drag = null;
    this.frame.focus({ preventScroll: true });
  }

  key(event) {
    if (!this.editing) return;
    const way = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
    const [x, y, w, h] = this.value;
    if (way) this.change(tidy(event.shiftKey ? [x, y, w + way[0], h + way[1]] : [x + way[0], y + way[1], w, h]));
    else if (event.key === "Delete" || event.key === "Backspace") { this.change(null); this.toggle(); }
    else if (event.key === "Enter" || event.key === "Escape") this.toggle();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  change(value) {
    this.value = value;
    this.place();
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      await this.apply(value);
      this.timer = 0;
    }, 120);
  }

  place() {
    this.frame.hidden = !this.value;
    if (!this.value) return;
    const [x, y, w, h] = this.value;
    const { offsetLeft: left, offsetTop: top, offsetWidth: wide, offsetHeight: high } = this.canvas;
    Object.assign(this.frame.style, { left: `${left + x * wide}px`, top: `${top + y * high}px`, width: `${w * wide}px`, height: `${h * high}px` });
    const words = [x, y, w, h].map((part) => `${Math.round(part * 100)} %`);
    this.frame.setAttribute("aria-label", `Region: ${words[0]} from the left, ${words[1]} from the top, ${words[2]} wide, ${words[3]} high`);
  }

  point(event) {
    const area = this.canvas.getBoundingClientRect();
    return [clip((event.clientX - area.left) / area.width), clip((event.clientY - area.top) / area.height)];
  }
}

function clip(value) {
  return Math.min(Math.max(value, 0), 1);
}

function tidy([x, y, w, h]) {
  w = Math.min(Math.max(w, SMALLEST), 1);
  h = Math.min(Math.max(h, SMALLEST), 1);
  return [Math.min(Math.max(x, 0), 1 - w), Math.min(Math.max(y, 0), 1 - h), w, h].map((part) => Math.round(part * 1e4) / 1e4);
}
