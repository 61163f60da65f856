// Which model runs where: the line in the header, and the card that exchanges that of the chosen source.

import { post } from "./api.js";
import { write } from "./boxes.js";
import { short, sourceName } from "./names.js";

const at = (id) => document.getElementById(id);

export class Models {
  constructor(panel, refresh) {
    Object.assign(this, { panel, refresh, names: [], shownFor: null });
    at("model-use").addEventListener("click", () => this.use());
  }

  // Of several sources the model stands among the controls of the chosen one.
  list({ models, sources }) {
    const among = sources.length > 1;
    (among ? at("knobs") : at("model-card")).append(at("model-field"));
    at("model-field").hidden = models.length < 2;
    at("model-card").hidden = among || models.length < 2;
    if (this.names.join("\n") === models.join("\n")) return;
    this.names = models;
    this.shownFor = null;
    const none = new Option("each its own", "");
    none.hidden = true; // said, not offered
    at("model").replaceChildren(none, ...models.map((name) => new Option(short(name, models), name)));
  }

  // What runs is chosen in the list until somebody chooses otherwise: the device's word is heard twice a second.
  hear({ status }) {
    if (!status) return;
    const { sources } = status;
    write(at("model-line"), line(status));
    at("model-line").title = line(status);
    const meant = sources.filter((source) => !this.panel.source || source.name === this.panel.source);
    const running = new Set(meant.map((source) => source.model));
    const shownFor = [this.panel.source, ...running].join("\n");
    if (shownFor === this.shownFor) return;
    this.shownFor = shownFor;
    at("model").value = running.size === 1 ? [...running][0] : ""; // several: none of them is all sources'
  }

  async use() {
    const note = at("model-note");
    const source = this.panel.source;
    if (!at("model").value) return this.say("choose a model first");
    note.className = "note";
    note.textContent = "loading and checking its golden frames…";
    at("model-use").disabled = true;
    try {
      const { model, refused } = await post("/live/model", { model: at("model").value, source });
      if (refused) throw new Error(refused);
      await this.refresh();
      note.textContent = `${short(model, this.names)} runs${source ? ` on ${sourceName(source)}` : ""}`;
    } catch (error) {
      this.say(error.message);
    }
    at("model-use").disabled = false;
  }

  say(wrong) {
    at("model-note").className = "note bad";
    at("model-note").textContent = wrong;
  }
}

function line({ sources, ...first }) {
  const how = (model) => `${short(model.model)} · ${model.engine} ${model.precision}`;
  const every = sources.map((source) => how(source));
  if (new Set(every).size < 2) return how(sources[0] || first);
  return sources.map((source, i) => `${sourceName(source.name)}: ${every[i]}`).join(", ");
}
