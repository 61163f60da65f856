// One source: its picture, what is drawn over it, the headline and the bars.

import { drawBoxes, write } from "./boxes.js";
import { short, sourceName } from "./names.js";
import { PlacedList } from "./placed.js";
import { paintPlaces, Trails } from "./places.js";
import { PlaceEditor } from "./drawing.js";
import { RegionEditor } from "./region.js";
import { caption, headline, lines, topRows } from "./rows.js";
import { drawShapes } from "./shapes.js";

const TOP = 5; // what a classifier's picture could be
const MANY = 12; // what a detector found, in one line

export class Stage {
  constructor(source, actions) {
    this.source = source;
    this.root = document.importNode(document.getElementById("stage").content.firstElementChild, true);
    this.root.dataset.source = source;
    this.find = (selector) => this.root.querySelector(selector);
    this.canvas = this.find("canvas");
    this.canvas.width = 640;
    this.canvas.height = 480;
    this.paint = this.canvas.getContext("2d", { alpha: false, desynchronized: true });
    this.canvas.setAttribute("aria-label", `Live picture of ${source}`);
    this.settings = {};
    this.called();
    this.find(".pause").addEventListener("click", () => actions.pause(source, !this.settings.paused));
    this.find(".snapshot").addEventListener("click", () => actions.snapshot(source));
    this.find(".enlarge").addEventListener("click", () => actions.enlarge(this.large ? null : source));
    this.region = new RegionEditor(this.find(".picture"), this.canvas, this.find(".region"), this.find(".region-button"),
      (region) => actions.region(source, region));
    this.places = new PlaceEditor(this.find(".picture"), this.canvas, { lines: this.find(".line-button"), zones: this.find(".zone-button") }, this.find(".cancel-button"),
      (places) => actions.places(source, places));
    new PlacedList(this.find(".placed"), this.places);
    this.region.begins = () => this.places.leave();
    this.places.begins = () => this.region.leave();
    this.canvas.addEventListener("click", (event) => this.point(event, actions.mean));
    const placed = new ResizeObserver(() => this.placeBoxes());
    for (const part of [this.canvas, this.find(".picture")]) placed.observe(part);
    this.forgetRoom = keepRoom(this.find(".verdict"));
    this.trails = new Trails();
    this.waiting = null;
    this.busy = false;
    this.shown = 0;
    this.most = 0; // lines under the headline that this model ever showed
    this.pausing = 0; // presses that the device has not answered: until then its word on pausing is older than ours
  }

  // One of "one", "many", "tile", "tile strip" and "one large".
  shownAs(how) {
    for (const name of ["one", "many", "tile", "strip", "large"]) this.root.classList.toggle(name, how.split(" ").includes(name));
    this.tile = how.startsWith("tile");
    this.large = how.endsWith("large");
    const button = this.find(".enlarge");
    write(button, this.large ? "All" : "Large");
    button.setAttribute("aria-label", this.large ? "Show all sources" : `Show ${sourceName(this.source)} large`);
  }

  // The newest picture wins: what arrives while one is decoded replaces what waits. The grid draws tiles together.
  show(result, jpeg) {
    this.waiting = [result, jpeg];
    if (!this.busy && !this.tile) this.work();
  }

  async work() {
    this.busy = true;
    while (this.waiting) (await this.decoded())();
    this.busy = false;
  }

  // Draws what waits, once it is decoded.
  async decoded() {
    const [result, jpeg] = this.waiting;
    this.waiting = null;
    try {
      const picture = await createImageBitmap(jpeg);
      return () => {
        this.draw(result, picture);
        picture.close();
      };
    } catch (error) {
      console.warn("a picture could not be shown", error.message);
      return () => {};
    }
  }

  draw(result, picture) {
    if (this.canvas.width !== picture.width || this.canvas.height !== picture.height) {
      this.canvas.width = picture.width;
      this.canvas.height = picture.height;
      this.ratio = picture.width / picture.height;
      this.root.style.setProperty("--ratio", this.ratio);
      this.root.dispatchEvent(new Event("ratio", { bubbles: true }));
    }
    this.paint.drawImage(picture, 0, 0);
    this.trails.add(result);
    this.trails.paint(this.paint, this.canvas);
    paintPlaces(this.paint, this.canvas, result);
    this.places.paint(this.paint, this.canvas);
    drawShapes(this.paint, result.results, this.canvas.width / result.size[0]);
    this.root.dataset.frame = result.frame;
    this.shown += 1;
    drawBoxes(this.find(".boxes"), result.results, result.size);
    this.result = result;
    this.origin = result.bundle.name;
    this.headline(result.results);
    if (!this.tile) this.bars(result.results);
    this.region.place();
  }

  // A click on a box means its thing; of several boxes the smallest one's.
  point(event, mean) {
    if (!this.result || this.tile || this.find(".picture").matches(".editing, .drawing")) return;
    const { results, size } = this.result;
    const place = this.canvas.getBoundingClientRect();
    const left = (event.clientX - place.left) / place.width * size[0];
    const top = (event.clientY - place.top) / place.height * size[1];
    const under = topRows(results).filter(({ box }) => box && left >= box[0] && left <= box[0] + box[2] && top >= box[1] && top <= box[1] + box[3]);
    under.sort((a, b) => a.box[2] * a.box[3] - b.box[2] * b.box[3]);
    if (under.length) mean(this.source, under[0], caption(under[0], results));
  }

  // Over the picture, wherever the card has it now.
  placeBoxes() {
    const { offsetLeft: left, offsetTop: top, offsetWidth: wide, offsetHeight: high } = this.canvas;
    Object.assign(this.find(".boxes").style, { left: `${left}px`, top: `${top}px`, width: `${wide}px`, height: `${high}px` });
  }

  headline(rows) {
    const { words, beside, amount = false, known, found = false } = headline(rows);
    const line = this.find(".verdict");
    write(this.find(".label"), words);
    write(this.find(".score"), beside);
    // a classifier's words may stand under one another, what a detector found is one line
    line.style.setProperty("--letters", found ? words.length : Math.max(...words.split(" ").map((word) => word.length)));
    line.classList.toggle("amount", amount);
    line.classList.toggle("unknown", !known);
    this.root.classList.toggle("found", found);
  }

  bars(rows) {
    const list = this.find(".bars");
    const found = this.root.classList.contains("found");
    const shown = lines(rows).slice(0, found ? MANY : TOP);
    if (this.model !== this.origin) {
      this.model = this.origin;
      this.most = 0;
      this.forgetRoom();
    }
    this.most = Math.max(this.most, shown.length); // the card keeps its height while a model runs
    list.style.setProperty("--rows", this.most);
    list.hidden = this.most === 0 && !found;
    while (list.children.length > shown.length) list.lastChild.remove();
    shown.forEach(({ name, score, said }, i) => {
      const bar = list.children[i] || list.appendChild(newBar());
      write(bar.children[0], name);
      bar.children[1].classList.toggle("none", score == null);
      bar.querySelector("b").style.transform = `scaleX(${score ?? 0})`;
      const mark = bar.querySelector("i");
      mark.hidden = this.settings.threshold == null || this.settings.threshold === 0;
      mark.style.left = `${100 * (this.settings.threshold || 0)}%`;
      write(bar.children[2], said);
    });
  }

  pause(paused) {
    this.pausing += 1;
    this.settings = { ...this.settings, paused };
    this.setSettings(this.settings);
  }

  setSettings(settings) {
    const paused = this.pausing ? this.settings.paused : settings.paused;
    this.settings = { ...settings, paused };
    const pause = this.find(".pause");
    pause.setAttribute("aria-pressed", String(paused));
    write(pause, paused ? "Go on" : "Pause");
    this.region.set(settings.region);
    this.places.set(settings.places);
    for (const name of [".line-button", ".zone-button"]) this.find(name).hidden = !settings.places;
    this.veil();
  }

  setStatus(status, notice) {
    const why = notice && notice.kind !== "back" ? notice.text : status.problem || "no picture from this source";
    this.lost = { away: why, starting: "starting" }[status.state] || "";
    this.called();
    write(this.find(".name small"), `${status.fps.toFixed(1)} fps · ${short(status.model)}`);
    this.veil();
  }

  called() {
    write(this.find(".name strong"), sourceName(this.source));
    this.find(".name strong").title = this.source;
  }

  veil() {
    const text = this.lost || (this.settings.paused ? "paused" : "");
    const veil = this.find(".veil");
    veil.hidden = !text;
    write(veil, text);
  }
}

// The headline's room only grows while the card is as wide: a long label that comes and goes moves nothing below it.
function keepRoom(line) {
  let [width, most] = [0, 0];
  const forget = () => {
    most = 0;
    line.style.minHeight = "";
  };
  new ResizeObserver(() => {
    if (line.offsetWidth !== width) forget();
    width = line.offsetWidth;
    most = Math.max(most, line.offsetHeight);
    line.style.minHeight = `${most}px`;
  }).observe(line);
  return forget;
}

function newBar() {
  const bar = document.createElement("li");
  bar.innerHTML = '<span class="name"></span><span class="track" aria-hidden="true"><b></b><i hidden></i></span><span class="value"></span>';
  return bar;
}
