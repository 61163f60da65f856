// The numbers and the knobs beside the picture.

import { post } from "./api.js";
import { write } from "./boxes.js";
import { Classes } from "./classes.js";
import { sourceName } from "./names.js";

const MANY = 3; // sources

const at = (id) => document.getElementById(id);

export class Panel {
  constructor(say, chosen) {
    this.say = say;
    this.agreed = [3, 5];
    this.settings = {};
    this.waiting = []; // changes that are not sent yet, each with the source that it is for
    this.classes = new Classes(this);
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
        write(at("agree-note"), refusal(n, m, this.agreed));
        return n >= 1 && m >= n ? { agree: [n, m] } : null;
      });
    }
    at("source").addEventListener("change", () => { this.held.clear(); write(at("agree-note"), ""); this.follow(); chosen(); });
  }

  setSources(sources) {
    at("source-field").hidden = sources.length < 2;
    at("knobs").hidden = sources.length === 0;
    if (this.sources && this.sources.join("\n") === sources.join("\n")) return; // the choice stays
    const options = [["", "all sources"], ...sources.map((name) => [name, sourceName(name)])];
    at("source").replaceChildren(...options.map(([value, text]) => new Option(text, value)));
    this.sources = sources;
  }

  get source() {
    return at("source").value || null;
  }

  choose(source) {
    at("source").value = source || "";
    at("source").dispatchEvent(new Event("change"));
  }

  send(change) {
    if (!change) return;
    const last = this.waiting.at(-1);
    if (last && last.source === this.source) Object.assign(last, change);
    else this.waiting.push({ source: this.source, ...change });
    this.sending ||= (async () => {
      while (this.waiting.length) {
        try {
          this.setSettings(await post("/live/settings", this.waiting.shift()));
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
    this.agreed = settings.agree;
    this.classes.set(settings, this.differs("classes"));
    this.whose();
    this.own = settings.threshold == null && !this.held.has("threshold");
    this.words();
  }

  // Whether what all sources are asked for is not the same on all of them.
  differs(knob) {
    if (this.source) return false;
    return new Set(Object.values(this.settings).map((settings) => JSON.stringify(settings[knob]))).size > 1;
  }

  // Of several sources it is written over the controls whose they are; teaching and collecting need one picture.
  whose() {
    const one = (this.sources || []).length < 2;
    const all = this.source ? sourceName(this.source) : "all sources";
    const first = sourceName(this.source || (this.sources || [""])[0]);
    for (const [id, title, who] of [["knobs-title", "Controls", all], ["teach-title", "This is …", first], ["collect-title", "Collect pictures", first]]) {
      write(at(id), one ? title : `${title} · ${who}`);
    }
  }

  words() {
    const each = "each source its own";
    write(at("threshold-value"), this.differs("threshold") && !this.held.has("threshold") ? each : this.own ? "the model's own" : `${Math.round(at("threshold").value * 100)} %`);
    const weight = Number(at("smoothing").value);
    write(at("smoothing-value"), this.differs("smoothing") && !this.held.has("smoothing") ? each : weight === 0 ? "off" : `${Math.round(weight * 100)} %`);
    this.own = false;
  }

  // With one source, or one chosen, its numbers stand beside the board's; else each source's stand by themselves.
  numbers(status, service) {
    const all = status ? status.sources : [];
    const shown = this.source ? all.filter((source) => source.name === this.source) : all;
    const alone = shown.length === 1 ? shown[0] : null;
    const rows = [];
    if (alone) rows.push(["fps", alone.fps.toFixed(1), "", ""], ["age", ...age(alone)]);
    if (service && !all.length) rows.push(...served(service));
    if (status) rows.push(...boardRows(status));
    if (alone) rows.push(["skipped", String(alone.skipped), "", ""]);
    if (all.length) rows.push(["dropped", ...dropped(status)]);
    if (alone) rows.push(["reconnects", String(alone.recoveries), "", ""]);
    for (const sink of (status && status.sinks) || []) if (sink.error || sink.lost) rows.push([sink.name, sink.error || `${sink.lost} lost`, "", sink.error ? "bad" : "warm"]);
    fill(at("numbers"), rows);
    this.times(shown);
  }

  // Each source's stages apart: a mean of a fast and a slow one would be neither's. Of many, those of the chosen one.
  times(sources) {
    const box = at("stage-times");
    const lines = [];
    for (const source of sources) {
      if (sources.length > 1) lines.push([sourceName(source.name), `${source.fps.toFixed(1)} fps · ${age(source).slice(0, 2).join(" ")}`, null]);
      const stages = sources.length > MANY ? [] : Object.entries(source.stages_ms);
      const most = Math.max(...stages.map(([, ms]) => ms), 0.001);
      for (const [name, ms] of stages) lines.push([name, `${ms < 10 ? ms.toFixed(2) : ms.toFixed(0)} ms`, ms / most]);
    }
    while (box.children.length > lines.length) box.lastChild.remove();
    lines.forEach(([name, said, share], i) => {
      const line = box.children[i] || box.appendChild(newTime());
      line.classList.toggle("of", share == null);
      write(line.children[0], name);
      line.querySelector("b").style.transform = `scaleX(${share ?? 0})`;
      write(line.children[2], said);
    });
  }
}

function age(source) {
  const away = source.state === "away";
  return source.age_ms < 10000 ? [source.age_ms.toFixed(0), "ms", away ? "bad" : ""] : [(source.age_ms / 1000).toFixed(0), "s", "bad"];
}

function served(service) {
  return [
    ["answered", String(service.answered ?? 0), "", ""],
    ["refused", String(service.refused ?? 0), "", service.refused ? "warm" : ""],
    ["under way", String(service.under_way ?? 0), "", ""],
    ["a request", service.mean_ms == null ? "–" : service.mean_ms.toFixed(0), service.mean_ms == null ? "" : "ms", ""],
  ];
}

function boardRows({ board, slowed_to_fps: slowed }) {
  const rows = [];
  if (board.temperature_c != null) rows.push(["temperature", board.temperature_c.toFixed(0), "°C", board.temperature_c >= 75 ? "warm" : ""]);
  if (board.throttled != null) rows.push(["throttled", board.throttled ? "yes" : "no", "", board.throttled ? "bad" : ""]);
  if (board.clock_mhz != null) rows.push(["clock", (board.clock_mhz / 1000).toFixed(2), "GHz", ""]);
  if (board.power_w != null) rows.push(["power", board.power_w.toFixed(1), "W", ""]);
  if (slowed != null) rows.push(["slowed by heat to", slowed.toFixed(0), "fps", "warm"]);
  return rows;
}

function dropped(status) {
  const count = Object.values(status.dropped).reduce((a, b) => a + b, 0);
  return [String(count), "", count ? "warm" : ""];
}

// Why what was written is not taken; nothing where it is.
function refusal(n, m, [heldN, heldM]) {
  if (n >= 1 && m >= n) return "";
  const why = n >= 1 && m >= 1 ? `${n} of ${m} cannot be: of ${m} frames at most ${m} agree` : "write two whole numbers from 1 on";
  return `Not taken: ${why}. ${heldN} of ${heldM} holds.`;
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
