// The page: what the device sends is shown, what people do is sent.

import { get, listen, post, readFrames, recognize } from "./api.js";
import { write } from "./boxes.js";
import { Find } from "./find.js";
import { Grid } from "./grid.js";
import { Models } from "./models.js";
import { MomentView } from "./moment.js";
import { knowSources } from "./names.js";
import { Panel } from "./panel.js";
import { Stage } from "./stage.js";
import { Teach } from "./teach.js";
import { Timeline } from "./timeline.js";
import { Who } from "./who.js";

const at = (id) => document.getElementById(id);
const stages = new Map();
const panel = new Panel(say, () => { grid.arrange(); if (newest) hearState(newest); });
const grid = new Grid(at("stages"), panel, lookAgain);
const models = new Models(panel, refresh);
const moment = new MomentView(at("moment"), () => who.load());
const timeline = new Timeline(at("timeline"), at("timeline-empty"), at("spoken"), (what) => moment.open(what));
const find = new Find(timeline, say);
const who = new Who(at("teach-card"), panel);
let newest = null; // the last state heard
let started = null; // of the run whose timeline is shown
let looking = null;

function say(text) {
  at("message").hidden = !text;
  write(at("message"), text);
}

const actions = {
  pause: async (source, paused) => {
    const meant = source ? [stages.get(source)] : [...stages.values()]; // no source is all of them
    for (const stage of meant) stage?.pause(paused); // at once: a second press must not wait
    await change({ source, paused });
    for (const stage of meant) if (stage) stage.pausing -= 1;
  },
  enlarge: (source) => grid.enlarge(source),
  region: (source, region) => change({ source, region }),
  places: (source, places) => change({ source, places }),
  mean: (source, row, words) => {
    if (at("teach-card").hidden) return;
    if (panel.source && panel.source !== source) panel.choose(source);
    mean({ what: { source, ...(row.track >= 0 ? { track: row.track } : { box: row.box }) }, words });
    at("teach-card").open = true;
    at("teach-name").focus();
  },
  snapshot: async (source) => {
    try {
      const response = await fetch(`/live/snapshot?${new URLSearchParams({ source })}`);
      if (!response.ok) throw new Error((await response.json()).error);
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await response.blob());
      link.download = /filename="([^"]+)"/.exec(response.headers.get("content-disposition"))[1];
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    } catch (error) {
      say(error.message);
    }
  },
};

async function change(body) {
  try {
    hearSettings(await post("/live/settings", body));
    say("");
  } catch (error) {
    say(error.message);
  }
}

function stageOf(source) {
  let stage = stages.get(source);
  if (!stage) {
    stage = new Stage(source, actions);
    stages.set(source, stage);
    at("empty").hidden = true;
    at("stages").append(stage.root);
    grid.set(stages.values());
  }
  return stage;
}

// A run that was started anew may have other sources.
function forget(source, stage) {
  stage.root.remove();
  stages.delete(source);
}

function hearSettings(settings) {
  for (const [source, knobs] of Object.entries(settings)) stages.get(source)?.setSettings(knobs);
  panel.setSettings(settings);
}

function hearState(state) {
  newest = state;
  const status = state.status;
  if (status && started !== null && status.started !== started) refresh();
  if (status) started = status.started;
  for (const source of status ? status.sources : []) stages.get(source.name)?.setStatus(source, state.notices[source.name]);
  hearSettings(state.settings);
  panel.numbers(status, state.service);
  models.hear(state);
  panel.classes.hear(state);
  link(...linkOf(state));
}

function linkOf({ status, settings }) {
  const sources = status ? status.sources : [];
  const lost = sources.filter((source) => source.state === "away");
  if (lost.length) return ["lost", sources.length === 1 ? "source lost" : `${lost.length} of ${sources.length} sources lost`];
  if (!Object.keys(settings).length) return ["live", "serving"]; // no camera that could be paused
  return Object.values(settings).every((knobs) => knobs.paused) ? ["paused", "paused"] : ["live", "live"];
}

function link(state, words) {
  at("link").dataset.state = state;
  write(at("link"), words);
}

async function refresh() {
  const state = await get("/live/state");
  knowSources(state.sources);
  panel.setSources(state.sources);
  for (const source of state.sources) at("stages").append(stageOf(source).root); // in their order, not that of arrival
  for (const [source, stage] of stages) if (state.sources.length && !state.sources.includes(source)) forget(source, stage);
  grid.set(state.sources.map(stageOf));
  timeline.records = moment.records = state.records;
  moment.teaches = state.teaches;
  find.setSources(state.sources);
  find.search();
  at("try").hidden = stages.size > 0 || !state.recognizes;
  at("empty").hidden = stages.size > 0 || state.recognizes;
  at("timeline-card").hidden = state.sources.length === 0;
  models.list(state);
  at("teach-card").hidden = !state.teaches;
  at("teach-photos-field").hidden = !state.photos; // the device's rule
  who.set(state.teaches);
  at("collect-card").hidden = state.collected == null;
  at("labels").replaceChildren(...state.labels.map((label) => new Option(label)));
  collected(state.collected || {});
  hearState(state);
}

function collected(counts) {
  at("collected").replaceChildren(...Object.entries(counts).map(([label, count]) => {
    const item = document.createElement("li");
    item.textContent = `${label} ${count}`;
    return item;
  }));
}

// Frames are asked for only while the page can be seen.
async function look() {
  if (looking || document.hidden) return;
  looking = new AbortController();
  const { signal } = looking;
  while (!signal.aborted) {
    try {
      await readFrames(grid.asked, signal, (result, jpeg) => {
        stageOf(result.source).show(result, jpeg);
      });
    } catch (error) {
      if (signal.aborted) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

function lookAgain() {
  unlook();
  look();
}

function unlook() {
  looking?.abort();
  looking = null;
}

document.addEventListener("visibilitychange", () => (document.hidden ? unlook() : look()));

let meant = null; // the thing in the picture that was clicked on; else what is seen as a whole
const teach = new Teach(at("teach"), at("teach-note"), () => meant?.what || { source: panel.source }, (answer, { box }) => {
  who.load();
  if (box) mean(null); // by the next picture it may be elsewhere
});

function mean(thing) {
  meant = thing;
  at("teach-meant").hidden = !thing;
  if (thing) write(at("teach-meant"), `only this: ${thing.words} ✕`);
}

at("teach-meant").addEventListener("click", () => mean(null));
at("source").addEventListener("change", () => mean(null));

async function keep() {
  const label = at("collect-label").value.trim();
  if (!label) { at("collect-card").open = true; return at("collect-label").focus(); }
  const note = at("collect-note");
  try {
    const kept = await post("/live/collect", { label, source: panel.source });
    note.className = "note";
    note.textContent = `kept: ${kept.label}, ${kept.count} in all`;
    collected((await get("/live/state")).collected);
  } catch (error) {
    note.className = "note bad";
    note.textContent = error.message;
  }
}

at("collect").addEventListener("submit", (event) => { event.preventDefault(); keep(); });

async function tryPicture(picture) {
  if (!picture) return;
  try {
    const result = await recognize(picture);
    const bitmap = await createImageBitmap(picture);
    const stage = stageOf("your picture");
    stage.find(".tools").hidden = true;
    stage.draw({ ...result, size: [bitmap.width, bitmap.height] }, bitmap);
    say("");
  } catch (error) {
    say(error.message);
  }
}

at("try-file").addEventListener("change", (event) => tryPicture(event.target.files[0]));
at("try").addEventListener("dragover", (event) => { event.preventDefault(); at("try").classList.add("over"); });
at("try").addEventListener("dragleave", () => at("try").classList.remove("over"));
at("try").addEventListener("drop", (event) => {
  event.preventDefault();
  at("try").classList.remove("over");
  tryPicture(event.dataTransfer.files[0]);
});

function theme() {
  const dark = document.documentElement.dataset.theme === "dark" ||
    (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("theme", document.documentElement.dataset.theme); } catch { /* a private window */ }
}

at("theme").addEventListener("click", theme);
at("help-open").addEventListener("click", () => at("help").showModal());
try { if (localStorage.getItem("theme")) document.documentElement.dataset.theme = localStorage.getItem("theme"); } catch { /* a private window */ }

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.matches("input, select, textarea") || (event.key === " " && event.target.matches("button, a, .region"))) return;
  const stage = stages.get(panel.source) || stages.values().next().value;
  const keys = {
    " ": () => stage && actions.pause(panel.source, !stage.settings.paused),
    s: () => stage && actions.snapshot(stage.source),
    r: () => stage && stage.region.toggle(),
    n: () => { at("teach-card").open = true; at("teach-name").focus(); },
    c: () => { at("collect-card").open = true; at("collect-label").focus(); },
    k: keep,
    t: theme,
    Escape: () => grid.large && !document.querySelector(".editing, .drawing") && grid.enlarge(null),
    "?": () => at("help").showModal(),
  };
  if (!keys[event.key] || (event.key === "n" && at("teach-card").hidden) || ("ck".includes(event.key) && at("collect-card").hidden)) return;
  event.preventDefault();
  keys[event.key]();
});

listen({
  state: (state) => hearState(state),
  announced: (happened) => { who.hear(happened); find.hear(happened); },
  notice: (notice) => newest && hearState({ ...newest, notices: { ...newest.notices, [notice.source]: notice } }),
}, (linked) => {
  if (linked) refresh().catch((error) => say(error.message));
  else link("lost", "not connected");
});
if (matchMedia("(max-width: 36rem)").matches) for (const card of document.querySelectorAll("aside details")) card.open = false; // a tap away
look();
