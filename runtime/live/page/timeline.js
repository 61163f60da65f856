// What happened, newest first, with small pictures; each opens what it was.

import { happened, pictureOf } from "./happened.js";
import { sourceName } from "./names.js";
import { hue, percent } from "./rows.js";
import { portray } from "./portraits.js";
import { momentOf } from "./when.js";

const MOST = 600; // entries, of which somebody asked for those beyond the first sixty

export class Timeline {
  constructor(list, empty, spoken, open) {
    Object.assign(this, { list, empty, spoken, open, seen: new Set(), records: false });
  }

  // What has just happened.
  add(moment) {
    if (this.seen.has(moment.id)) return;
    const item = this.item({ clip: this.records ? "coming" : "none", ...moment });
    item.classList.add("new");
    this.list.prepend(item);
    while (this.list.children.length > MOST) {
      this.seen.delete(Number(this.list.lastChild.dataset.id));
      this.list.lastChild.remove();
    }
    this.empty.hidden = true;
    this.spoken.textContent = `${[moment.label, happened(moment), percent(moment.score)].filter(Boolean).join(", ")}, ${sourceName(moment.source)}`;
  }

  // What was before all that is shown.
  append(moments) {
    this.list.append(...moments.filter(({ id }) => !this.seen.has(id)).map((moment) => this.item(moment)));
    this.empty.hidden = this.list.children.length > 0;
  }

  get oldest() {
    return Number(this.list.lastChild.dataset.id);
  }

  clear() {
    this.seen.clear();
    this.list.replaceChildren();
    this.empty.hidden = false;
  }

  item(moment) {
    this.seen.add(moment.id);
    const item = document.createElement("li");
    item.dataset.label = moment.label;
    item.dataset.id = moment.id;
    item.innerHTML = '<button type="button"><span class="thumb"><img alt="" loading="lazy"></span><strong></strong><small class="where"></small><small></small></button>';
    item.firstChild.addEventListener("click", () => this.open(moment));
    if (moment.pictured === false) item.querySelector(".thumb").classList.add("gone");
    else item.querySelector("img").src = pictureOf(moment, true);
    const face = Object.assign(new Image(), { className: "portrait", alt: "" });
    face.style.setProperty("--hue", hue(moment.label));
    item.querySelector(".thumb").append(face);
    portray(face, moment.label);
    if (moment.box) item.querySelector(".thumb").append(mark(moment));
    if (moment.clip !== "none") item.querySelector(".thumb").append(clipMark());
    item.querySelector("strong").textContent = [moment.label, happened(moment)].filter(Boolean).join(" ");
    item.querySelector(".where").textContent = sourceName(moment.source);
    item.querySelector("small:last-child").textContent = [momentOf(moment.time), moment.score ? percent(moment.score) : ""].filter(Boolean).join(" · ");
    return item;
  }
}

function mark(moment) {
  const box = document.createElement("i");
  const [left, top, width, height] = moment.box.map((part) => `${100 * part}%`);
  Object.assign(box.style, { left, top, width, height });
  box.style.setProperty("--hue", hue(moment.label));
  return box;
}

function clipMark() {
  const mark = document.createElement("b");
  mark.title = "has a clip";
  return mark;
}
