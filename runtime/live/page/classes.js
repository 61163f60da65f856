// Which classes of the chosen source are shown: none pressed is all.

import { get } from "./api.js";
import { write } from "./boxes.js";

const FEW = 12; // so many classes are all there to be pressed; of more those that were chosen

const at = (id) => document.getElementById(id);

export class Classes {
  constructor(panel) {
    Object.assign(this, { panel, labels: [], chosen: null, known: null, shown: null });
    at("class-add").addEventListener("change", () => this.add(at("class-add").value.trim()));
  }

  // The labels are asked for again when another source is chosen or another model runs there.
  async hear({ status }) {
    const sources = (status ? status.sources : []).filter(({ name }) => !this.panel.source || name === this.panel.source);
    const seen = sources.filter(({ processed }) => processed > 0);
    const known = JSON.stringify([this.panel.source, seen.map(({ name, model }) => [name, model])]);
    if (known === this.known || !seen.length) return;
    this.known = known;
    const asked = this.panel.source ? `?${new URLSearchParams({ source: this.panel.source })}` : "";
    const { labels } = await get(`/live/labels${asked}`).catch(() => ({ labels: [] }));
    if (known !== this.known) return; // another was chosen meanwhile
    this.labels = labels;
    at("class-names").replaceChildren(...labels.map((label) => new Option(label)));
    this.draw();
  }

  set(settings, differ) {
    this.chosen = settings.classes;
    this.differ = differ;
    this.draw();
  }

  draw() {
    const chosen = this.chosen || [];
    at("classes-field").hidden = this.labels.length < 2;
    at("class-add").hidden = this.labels.length <= FEW;
    write(at("classes-value"), this.differ ? "each source its own" : this.chosen ? `${chosen.length} of ${this.labels.length}` : "all");
    const names = this.labels.length <= FEW ? this.labels : chosen;
    const shown = JSON.stringify([names, chosen]);
    if (shown === this.shown) return; // what somebody is about to press stays where it is
    this.shown = shown;
    const focused = document.activeElement?.parentElement === at("classes") ? document.activeElement.textContent : null;
    at("classes").replaceChildren(...names.map((name) => this.chip(name, chosen.includes(name))));
    if (focused !== null) [...at("classes").children].find((chip) => chip.textContent === focused)?.focus();
  }

  chip(name, pressed) {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.textContent = name;
    chip.title = name;
    chip.setAttribute("aria-pressed", String(pressed));
    chip.addEventListener("click", () => this.send((this.chosen || []).includes(name) ? this.chosen.filter((other) => other !== name) : [...(this.chosen || []), name]));
    return chip;
  }

  add(name) {
    if (!name) return;
    const known = this.labels.includes(name);
    write(at("class-note"), known ? "" : `No class is called ${name}.`);
    if (!known) return;
    at("class-add").value = "";
    if (!(this.chosen || []).includes(name)) this.send([...(this.chosen || []), name]);
  }

  send(chosen) {
    this.chosen = chosen.length ? chosen : null;
    this.differ = false;
    this.draw();
    this.panel.send({ classes: this.chosen });
  }
}
