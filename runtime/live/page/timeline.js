// Announced labels, newest first, with their small pictures.

import { percent } from "./rows.js";

const MOST = 60;

export class Timeline {
  constructor(list, empty, spoken) {
    Object.assign(this, { list, empty, spoken, seen: new Set() });
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
    const picture = new Image();
    picture.src = `/live/thumbs/${moment.id}`;
    picture.alt = "";
    const label = document.createElement("strong");
    label.textContent = moment.label;
    const when = document.createElement("small");
    when.textContent = `${new Date(moment.time * 1000).toLocaleTimeString()} · ${percent(moment.score)}`;
    item.append(picture, label, when);
    this.list.prepend(item);
    while (this.list.children.length > MOST) {
      this.seen.delete(Number(this.list.lastChild.dataset.id));
      this.list.lastChild.remove();
    }
    this.empty.hidden = true;
    if (fresh) this.spoken.textContent = `${moment.label}, ${percent(moment.score)}`;
  }

  clear() {
    this.seen.clear();
    this.list.replaceChildren();
    this.empty.hidden = false;
  }
}
