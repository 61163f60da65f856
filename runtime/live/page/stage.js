// One source: its picture, what is drawn over it, the headline and the bars.

import { RegionEditor } from "./region.js";
import { caption, headline, hue, lines } from "./rows.js";

const TOP = 5;

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
    this.find(".name").textContent = source;
    this.canvas.setAttribute("aria-label", `Live picture of ${source}`);
    this.settings = {};
    this.find(".pause").addEventListener("click", () => actions.pause(source, !this.settings.paused));
    this.find(".snapshot").addEventListener("click", () => actions.snapshot(source));
    this.region = new RegionEditor(this.find(".picture"), this.canvas, this.find(".region"), this.find(".region-button"),
      (region) => actions.region(source, region));
    this.waiting = null;
    this.busy = false;
    this.shown = 0;
    this.pausing = 0; // presses that the device has not answered: until then its word on pausing is older than ours
  }

  // The newest picture wins: what arrives while one is decoded replaces what waits.
  show(result, jpeg) {
    this.waiting = [result, jpeg];
    if (!this.busy) this.work();
  }

  async work() {
    this.busy = true;
    while (this.waiting) {
      const [result, jpeg] = this.waiting;
      this.waiting = null;
      try {
        const picture = await createImageBitmap(jpeg);
        this.draw(result, picture);
        picture.close();
      } catch (error) {
        console.warn("a picture could not be shown", error.message);
      }
    }
    this.busy = false;
  }

  draw(result, picture) {
    if (this.canvas.width !== picture.width || this.canvas.height !== picture.height) {
      this.canvas.width = picture.width;
      this.canvas.height = picture.height;
      this.root.style.setProperty("--ratio", picture.width / picture.height);
    }
    this.paint.drawImage(picture, 0, 0);
    this.points(result);
    this.root.dataset.frame = result.frame;
    this.shown += 1;
    this.boxes(result);
    this.headline(result.results);
    this.bars(result.results);
    this.region.place();
  }

  points(result) {
    const scale = this.canvas.width / result.size[0];
    const radius = Math.max(this.canvas.width / 160, 3);
    for (const row of result.results) {
      for (const [x, y, score] of row.keypoints || []) {
        if (!(score > 0)) continue;
        this.paint.beginPath();
        this.paint.arc(x * scale, y * scale, radius, 0, 2 * Math.PI);
        this.paint.fillStyle = `hsl(${hue(row.label)} 90% 62%)`;
        this.paint.fill();
        this.paint.lineWidth = radius / 3;
        this.paint.strokeStyle = "#071013";
        this.paint.stroke();
      }
    }
  }

  boxes(result) {
    const layer = this.find(".boxes");
    const [width, height] = result.size;
    const { offsetLeft: left, offsetTop: top, offsetWidth: wide, offsetHeight: high } = this.canvas;
    Object.assign(layer.style, { left: `${left}px`, top: `${top}px`, width: `${wide}px`, height: `${high}px` });
    const rows = result.results.filter((row) => row.box);
    while (layer.children.length > rows.length) layer.lastChild.remove();
    rows.forEach((row, i) => {
      const box = layer.children[i] || layer.appendChild(newBox());
      const [x, y, w, h] = row.box;
      Object.assign(box.style, { left: `${100 * x / width}%`, top: `${100 * y / height}%`, width: `${100 * w / width}%`, height: `${100 * h / height}%` });
      box.style.setProperty("--hue", hue(row.label));
      box.classList.toggle("high", y / height < 0.08);
      write(box.firstChild, caption(row, result.results));
    });
  }

  headline(rows) {
    const { words, beside, amount = false, known } = headline(rows);
    const line = this.find(".verdict");
    write(this.find(".label"), words);
    write(this.find(".score"), beside);
    line.style.setProperty("--letters", Math.max(...words.split(" ").map((word) => word.length)));
    line.classList.toggle("amount", amount);
    line.classList.toggle("unknown", !known);
  }

  bars(rows) {
    const list = this.find(".bars");
    const shown = lines(rows).slice(0, TOP);
    if (rows.length) list.hidden = shown.length === 0; // while nothing is there the room is kept
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
    this.veil();
  }

  setStatus(status, notice) {
    this.lost = status && !status.connected ? (notice && notice.kind !== "back" ? notice.text : "no picture from this source") : "";
    this.veil();
  }

  veil() {
    const text = this.lost || (this.settings.paused ? "paused" : "");
    const veil = this.find(".veil");
    veil.hidden = !text;
    write(veil, text);
  }
}

function newBox() {
  const box = document.createElement("div");
  box.className = "box";
  box.append(document.createElement("span"));
  return box;
}

function newBar() {
  const bar = document.createElement("li");
  bar.innerHTML = '<span class="name"></span><span class="track" aria-hidden="true"><b></b><i hidden></i></span><span class="value"></span>';
  return bar;
}

export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
