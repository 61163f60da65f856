// Searching the events: what is asked for goes to the device, which remembers more than the page shows.

import { get } from "./api.js";
import { sourceName } from "./names.js";

const at = (id) => document.getElementById(id);
const PAUSE_MS = 250; // in typing, after which it is asked
const NOTHING = { any: at("timeline-empty").textContent, found: "Nothing of that kind is remembered." };

export class Find {
  constructor(timeline, say) {
    Object.assign(this, { timeline, say, timer: 0, asked: 0, meanwhile: null });
    at("find").addEventListener("submit", (event) => { event.preventDefault(); this.search(); });
    at("find").addEventListener("input", () => { clearTimeout(this.timer); this.timer = setTimeout(() => this.search(), PAUSE_MS); });
    at("find").addEventListener("reset", () => setTimeout(() => this.search()));
    at("timeline-more").addEventListener("click", () => this.search(true));
  }

  setSources(sources) {
    at("find-source").hidden = sources.length < 2;
    const names = [["", "all sources"], ...sources.map((name) => [name, sourceName(name)])];
    const chosen = at("find-source").value;
    at("find-source").replaceChildren(...names.map(([value, text]) => new Option(text, value)));
    at("find-source").value = sources.includes(chosen) ? chosen : "";
  }

  // What is in the row, as the device understands it.
  wanted() {
    const time = at("find-time").value;
    const moment = (id) => (at(id).value ? new Date(at(id).value).getTime() / 1000 : null);
    const between = time === "between";
    const all = {
      label: at("find-label").value.trim(), source: at("find-source").value,
      since: between ? moment("find-since") : time ? Date.now() / 1000 - Number(time) : null, until: between ? moment("find-until") : null,
    };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== "" && value !== null));
  }

  // Whether what has just happened is one of those that are shown.
  takes(moment) {
    const { label, source, since, until } = this.wanted();
    const part = label?.toLowerCase();
    return (!part || `${moment.label}\n${moment.place}`.toLowerCase().includes(part)) && (!source || moment.source === source) &&
      (!since || moment.time >= since) && (!until || moment.time <= until);
  }

  // What has just happened: shown where it is one of those, and not lost to an answer that is still under way.
  hear(moment) {
    this.meanwhile?.push(moment);
    if (this.takes(moment)) this.timeline.add(moment);
  }

  async search(earlier = false) {
    clearTimeout(this.timer);
    const wanted = this.wanted();
    const some = Object.keys(wanted).length > 0;
    at("find-between").hidden = at("find-time").value !== "between";
    at("find-clear").hidden = !some && at("find-time").value === "";
    const number = ++this.asked;
    this.meanwhile = [];
    try {
      const page = earlier ? { before: this.timeline.oldest } : {};
      const { events, more } = await get(`/v1/events?${new URLSearchParams({ ...wanted, ...page })}`);
      if (number !== this.asked) return; // somebody has typed on
      if (!earlier) this.timeline.clear();
      this.timeline.append(events);
      for (const moment of this.meanwhile) if (this.takes(moment)) this.timeline.add(moment);
      this.meanwhile = null;
      at("timeline-more").hidden = !more;
      at("timeline-empty").textContent = some ? NOTHING.found : NOTHING.any;
      this.say("");
    } catch (error) {
      this.say(error.message);
    }
  }
}
