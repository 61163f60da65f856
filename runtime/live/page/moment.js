// What was announced, looked at alone: its picture with the boxes it was announced with, where, when, and what else was there.

import { get } from "./api.js";
import { drawBoxes, write } from "./boxes.js";
import { caption, percent, topRows } from "./rows.js";

export class MomentView {
  constructor(dialog) {
    this.dialog = dialog;
    this.find = (selector) => dialog.querySelector(selector);
    this.find(".close").addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()); // beside it
  }

  async open(moment) {
    write(this.find("h2"), moment.label);
    write(this.find(".where"), moment.source);
    write(this.find(".when"), new Date(moment.time * 1000).toLocaleString());
    write(this.find(".sure"), percent(moment.score));
    for (const part of [".model", ".also"]) write(this.find(part), "");
    this.find(".boxes").replaceChildren();
    const note = this.find(".note");
    write(note, "");
    const picture = this.find("img");
    picture.alt = `${moment.label}, seen by ${moment.source}`;
    picture.hidden = true;
    this.dialog.showModal();
    try {
      const all = await get(`/live/moments/${moment.id}`);
      picture.src = pictureOf(moment);
      await picture.decode();
      picture.hidden = false;
      drawBoxes(this.find(".boxes"), all.results, all.size);
      write(this.find(".model"), `${all.bundle.name} version ${all.bundle.version}`);
      write(this.find(".also"), topRows(all.results).map((row) => caption(row, all.results).replace(" %", "\u00a0%")).join(", ") || "nothing");
    } catch {
      write(note, "This one is no longer kept: the page remembers the last 60.");
    }
  }
}

// A number means another moment once the device has started anew: its time keeps a browser from showing the old picture.
export function pictureOf(moment, small = false) {
  return `${small ? "/live/thumbs/" : "/live/moments/"}${moment.id}${small ? "" : "/picture"}?of=${moment.time}`;
}
