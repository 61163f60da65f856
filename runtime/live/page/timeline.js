// Announced labels, newest first, with their small pictures; each opens what it was.

import { pictureOf } from "./moment.js";
import { sourceName } from "./names.js";
import { hue, percent } from "./rows.js";

const MOST = 60;

export class Timeline {
  constructor(list, empty, spoken, open) {
    Object.assign(this, { list, empty, spoken, open, seen: new Set() });
  }

  fill(moments) {
    for (const moment of moments) this.add(moment, false);
  }

  add(moment, fresh = true) {
    if (this.seen.has(moment.id)) return;
    this.seen.add(moment.id);
    const item = document.createElement("li");
    item.dataset.label = moment.label;
    item.dataset.id = moment.id;
    item.classList.toggle("new", fresh);
    item.innerHTML = '<button type="button"><span class="thumb"><img alt="" loading="lazy"></span><strong></strong><small class="where"></small><small></small></button>';
    item.firstChild.addEventListener("click", () => this.open(moment));
    item.querySelector("img").src = pictureOf(moment, true);
    if (moment.box) item.querySelector(".thumb").append(mark(moment));
    item.querySelector("strong").textContent = moment.label;
    item.querySelector(".where").textContent = sourceName(moment.source);
    item.querySelector("small:last-child").textContent = `${new Date(moment.time * 1000).toLocaleTimeString()} · ${percent(moment.score)}`;
    this.list.prepend(item);
    while (this.list.children.length > MOST) {
      this.seen.delete(Number(this.list.lastChild.dataset.id));
      this.list.lastChild.remove();
    }
    this.empty.hidden = true;
    if (fresh) this.spoken.textContent = `${moment.label}, ${percent(moment.score)}, ${moment.source}`;
  }

  clear() {
    this.seen.clear();
    this.list.replaceChildren();
    this.empty.hidden = false;
  }
}

function mark(moment) {
  const box = document.createElement("i");
  const [left, top, width, height] = moment.box.map((part) => `${100 * part}%`);
  Object.assign(box.style, { left, top, width, height });
  box.style.setProperty("--hue", hue(moment.label));
  return box;
}
