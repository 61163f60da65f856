// The numbers and the knobs beside the picture.

import { post } from "./api.js";
import { write } from "./stage.js";

const at = (id) => document.getElementById(id);

export class Panel {
  constructor(say) {
    this.say = say;
    this.settings = {};
    this.held = new Set(); // knobs under somebody's hand are not moved by what the device says
    const knob = (id, value) => {
      const input = at(id);
      input.addEventListener("pointerdown", () => this.held.add(id));
      input.addEventListener("focus", () => this.held.add(id));
      input.addEventListener("blur", () => this.held.delete(id));
      input.addEventListener("input", () => { this.held.add(id); this.words(); this.send(value()); });
      input.addEventListener("change", () => setTimeout(() => document.activeElement === input || this.held.delete(id), 600));
    };
    knob("threshold", () => ({ threshold: Number(at("threshold").value) }));
    knob("smoothing", () => ({ smoothing: round(1 - Number(at("smoothing").value)) }));
    for (const id of ["agree-n", "agree-m"]) {
      knob(id, () => {
        const n = Math.round(Number(at("agree-n").value));
        const m = Math.round(Number(at("agree-m").value));
        return n >= 1 && m >= n ? { agree: [n, m] } : null;
      });
    }
    at("source").addEventListener("change", () => this.follow());
  }

  setSources(sources) {
    at("source-field").hidden = sources.length < 2;
    at("knobs").hidden = sources.length === 0;
    const options = [["", "all sources"], ...sources.map((name) => [name, name])];
    at("source").replaceChildren(...options.map(([value, text]) => new Option(text, value)));
    this.sources = sources;
  }

  get source() {
    return at("source").value || null;
  }

  send(change) {
    if (!change) return;
    this.next = { ...this.next, ...change };
    this.sending ||= (async () => {
      while (this.next) {
        const body = { source: this.source, ...this.next };
        this.next = null;
        try {
          await post("/live/settings", body);
          this.say("");
        } catch (error) {
          this.say(error.message);
        }
      }
      this.sending = null;
    })();
  }

  setSettings(settings, trained) {
    this.settings = settings;
    this.trained = trained;
    this.follow();
  }

  follow() {
    const settings = this.settings[this.source || (this.sources || [])[0]];
    if (!settings) return;
    const put = (id, value) => { if (!this.held.has(id)) at(id).value = value; };
    put("threshold", settings.threshold ?? 0);
    put("smoothing", round(1 - settings.smoothing));
    put("agree-n", settings.agree[0]);
    put("agree-m", settings.agree[1]);
    this.own = settings.threshold == null && !this.held.has("threshold");
    this.words();
  }

  words() {
    write(at("threshold-value"), this.own ? "the model's own" : `${Math.round(at("threshold").value * 100)} %`);
    const weight = Number(at("smoothing").value);
    write(at("smoothing-value"), weight === 0 ? "off" : `${Math.round(weight * 100)} %`);
    this.own = false;
  }

  numbers(status, measured) {
    const sources = status ? status.sources : [];
    const sum = (name) => sources.reduce((total, source) => total + source[name], 0);
    const board = status ? status.board : {};
    const dropped = status ? Object.values(status.dropped).reduce((a, b) => a + b, 0) : 0;
    const rows = [["fps", (sources.length ? sum("fps") : measured.fps).toFixed(1), "", ""]];
    rows.push(["age", (sources.length ? Math.max(...sources.map((s) => s.age_ms)) : measured.age).toFixed(0), "ms", ""]);
    if (board.temperature_c != null) rows.push(["temperature", board.temperature_c.toFixed(0), "°C", board.temperature_c >= 75 ? "warm" : ""]);
    if (board.throttled != null) rows.push(["throttled", board.throttled ? "yes" : "no", "", board.throttled ? "bad" : ""]);
    if (board.clock_mhz != null) rows.push(["clock", (board.clock_mhz / 1000).toFixed(2), "GHz", ""]);
    if (board.power_w != null) rows.push(["power", board.power_w.toFixed(1), "W", ""]);
    if (status && status.slowed_to_fps != null) rows.push(["slowed by heat to", status.slowed_to_fps.toFixed(0), "fps", "warm"]);
    rows.push(["skipped", String(sum("skipped")), "", ""], ["dropped", String(dropped), "", dropped ? "warm" : ""]);
    rows.push(["reconnects", String(sum("recoveries")), "", ""]);
    for (const sink of (status && status.sinks) || []) if (sink.error || sink.lost) rows.push([sink.name, sink.error || `${sink.lost} lost`, "", sink.error ? "bad" : "warm"]);
    fill(at("numbers"), rows);
    this.times(sources);
  }

  times(sources) {
    const stages = new Map();
    for (const source of sources) for (const [name, ms] of Object.entries(source.stages_ms)) stages.set(name, Math.max(ms, stages.get(name) || 0));
    const most = Math.max(...stages.values(), 0.001);
    const box = at("stage-times");
    while (box.children.length > stages.size) box.lastChild.remove();
    [...stages].forEach(([name, ms], i) => {
      const line = box.children[i] || box.appendChild(newTime());
      write(line.children[0], name);
      line.querySelector("b").style.transform = `scaleX(${ms / most})`;
      write(line.children[2], `${ms < 10 ? ms.toFixed(2) : ms.toFixed(0)} ms`);
    });
  }
}

function newTime() {
  const line = document.createElement("p");
  line.innerHTML = '<span></span><span class="track" aria-hidden="true"><b></b></span><span class="value"></span>';
  return line;
}

function fill(list, rows) {
  while (list.children.length > rows.length) list.lastChild.remove();
  rows.forEach(([name, value, unit, mood], i) => {
    let cell = list.children[i];
    if (!cell) {
      cell = list.appendChild(document.createElement("div"));
      cell.append(document.createElement("dt"), document.createElement("dd"));
      cell.lastChild.append(document.createTextNode(""), document.createElement("small"));
    }
    cell.className = mood;
    cell.dataset.name = name;
    write(cell.firstChild, name);
    if (cell.lastChild.firstChild.data !== value) cell.lastChild.firstChild.data = value;
    write(cell.lastChild.lastChild, unit);
  });
}

function round(value) {
  return Math.round(value * 100) / 100;
}
