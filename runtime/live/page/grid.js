// How the sources' cards share the room: whole cards, tiles that all fit the window, or one of them large.

import { post } from "./api.js";

const WHOLE = 3; // up to so many sources each have a whole card
const GAP = 8;
const TOGETHER_MS = 80; // how often tiles are drawn, all that have news at once: the browser then composes the page once
const RATIO = 4 / 3; // of a picture that has not come yet

export class Grid {
  constructor(root, panel, changed) {
    Object.assign(this, { root, panel, changed, stages: [], large: false, asked: "" });
    this.key = `${Math.random()}${Math.random()}`.replaceAll("0.", "");
    new ResizeObserver(() => this.fit()).observe(root);
    root.addEventListener("ratio", () => this.fit());
    addEventListener("resize", () => this.fit());
    setInterval(() => this.draw(), TOGETHER_MS);
  }

  async draw() {
    const due = this.drawing ? [] : this.stages.filter((stage) => stage.waiting && !stage.busy);
    if (!due.length) return;
    this.drawing = true;
    this.tell(due.map((stage) => stage.source));
    for (const draw of await Promise.all(due.map((stage) => stage.decoded()))) draw();
    this.drawing = false;
  }

  // The device makes the next picture of a tile when this one is taken: what waits on the way is never shown.
  tell(sources) {
    if (this.asked) post("/live/taken", { key: this.key, sources }).catch(() => {}); // then it comes a little later
  }

  set(stages) {
    this.stages = [...stages];
    this.arrange();
  }

  // Shows the chosen source large; without one, all.
  enlarge(source) {
    this.large = Boolean(source);
    if (source && this.panel.source !== source) this.panel.choose(source); // which arranges
    else this.arrange();
  }

  arrange() {
    const chosen = this.panel.source;
    const count = this.stages.length;
    this.large &&= Boolean(chosen) && count > 1;
    this.tiled = !this.large && count > WHOLE;
    this.root.classList.toggle("tiled", this.tiled || this.large);
    for (const stage of this.stages) {
      const large = this.large && stage.source === chosen;
      stage.shownAs(count < 2 ? "one" : large ? "one large" : this.large ? "tile strip" : this.tiled ? "tile" : "many");
      stage.root.classList.toggle("chosen", count > 1 && stage.source === chosen && !large);
    }
    this.fit();
    const asked = this.asks();
    if (asked !== this.asked) {
      this.asked = asked;
      this.changed();
    }
  }

  // Which pictures the page needs: small ones for tiles, a large one of what is looked at closely.
  asks() {
    if (this.large) return `?${new URLSearchParams({ size: "small", key: this.key, large: this.panel.source })}`;
    return this.tiled ? `?size=small&key=${this.key}` : "";
  }

  // As many columns as make the pictures largest while all rows fit the window.
  fit() {
    if (!this.tiled) return;
    const wide = this.root.clientWidth;
    const high = Math.max(innerHeight - this.root.getBoundingClientRect().top - scrollY - 2 * GAP, 240);
    const ratio = Math.min(...this.stages.map((stage) => stage.ratio || RATIO)); // the tallest picture fills its tile
    let best = { area: 0 };
    for (let columns = 1; columns <= this.stages.length; columns += 1) {
      const rows = Math.ceil(this.stages.length / columns);
      const basis = Math.floor((wide - GAP * (columns - 1)) / columns);
      const tile = Math.floor(Math.min((high - GAP * (rows - 1)) / rows, basis / ratio + 4));
      const area = Math.min(tile * ratio, basis) ** 2;
      if (area > best.area) best = { area, basis, tile };
    }
    this.root.style.setProperty("--basis", `${best.basis}px`);
    this.root.style.setProperty("--tile", `${best.tile}px`);
  }
}
