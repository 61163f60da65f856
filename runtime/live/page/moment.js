// What happened, looked at alone: its picture with the boxes, its clip, where, when, and what else was there.

import { get } from "./api.js";
import { drawBoxes, write } from "./boxes.js";
import { ClipBoxes } from "./clip_boxes.js";
import { happened, pictureOf } from "./happened.js";
import { sourceName } from "./names.js";
import { caption, percent, topRows } from "./rows.js";
import { Teach } from "./teach.js";

const AGAIN_MS = 2000; // until a clip is asked for again that is still being recorded

export class MomentView {
  constructor(dialog, taught) {
    this.dialog = dialog;
    this.teaches = false;
    this.records = false; // whether the device keeps clips
    this.find = (selector) => dialog.querySelector(selector);
    this.teach = new Teach(this.find(".teach"), this.find(".taught"), () => ({ event: this.moment.id, source: this.moment.source }), taught);
    this.over = new ClipBoxes(this.find(".playing"), this.find(".with-boxes"), this.find(".full"));
    this.find(".close").addEventListener("click", () => dialog.close());
    this.find(".play").addEventListener("click", () => this.play());
    this.find("video").addEventListener("error", () => this.find("video").src && write(this.find(".clip-note"), "This browser cannot play the clip."));
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()); // beside it
    dialog.addEventListener("close", () => this.stop());
  }

  async open(moment) {
    this.moment = moment;
    write(this.find("h2"), moment.label);
    this.fact(".where", sourceName(moment.source));
    this.fact(".what", happened(moment));
    this.fact(".when", new Date(moment.time * 1000).toLocaleString());
    this.fact(".sure", moment.score ? percent(moment.score) : "");
    for (const part of [".model", ".also"]) this.fact(part, "");
    for (const part of [".note", ".clip-note"]) write(this.find(part), "");
    this.find(".whole .boxes").replaceChildren();
    this.find(".play").hidden = this.find(".teach").hidden = true;
    this.find(".teach").reset();
    this.teach.forget();
    const picture = this.find("img");
    picture.alt = `${moment.label}, seen by ${sourceName(moment.source)}`;
    picture.hidden = true;
    this.dialog.showModal();
    try {
      const all = await get(`/live/moments/${moment.id}`);
      if (this.moment !== moment) return; // another was opened meanwhile
      if (all.bundle) { // else what was seen beside it is no longer known
        this.fact(".model", `${all.bundle.name} version ${all.bundle.version}`);
        this.fact(".also", topRows(all.results).map((row) => caption(row, all.results).replace(" %", "\u00a0%")).join(", ") || "nothing");
      }
      this.clip(all);
      picture.src = pictureOf(moment);
      await picture.decode();
      if (this.moment !== moment) return;
      picture.hidden = false;
      this.find(".teach").hidden = !this.teaches;
      drawBoxes(this.find(".whole .boxes"), all.results, all.size);
    } catch {
      if (this.moment !== moment) return;
      const kept = this.records ? "its picture was deleted to make room" : "the page remembers the last 60 pictures, more with --record";
      write(this.find(".note"), `This one is no longer kept: ${kept}.`);
    }
  }

  // One line of what is known; none where it is not.
  fact(part, text) {
    const value = this.find(part);
    write(value, text);
    value.hidden = value.previousElementSibling.hidden = !text;
  }

  // Offers the clip, waits for one that is still being recorded, or says why there is none.
  async clip({ id, clip, clip_boxes: boxes }) {
    if (!this.dialog.open || this.moment.id !== id) return;
    this.boxes = boxes;
    this.find(".play").hidden = clip !== "there";
    const none = this.records ? "No clip of it is kept." : "No clip: start with --record DIR to keep one of every event.";
    write(this.find(".clip-note"), { there: "", coming: "Its clip is still being recorded …", none }[clip]);
    if (clip !== "coming") return;
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    if (this.dialog.open && this.moment.id === id) this.clip(await get(`/live/moments/${id}`).catch(() => ({ id, clip: "none" })));
  }

  play() {
    const video = this.find("video");
    if (!this.find(".playing").hidden) return this.stop();
    video.src = `/live/moments/${this.moment.id}/clip?of=${this.moment.time}`;
    if (this.boxes) this.over.load(`/live/moments/${this.moment.id}/clip/boxes?of=${this.moment.time}`);
    this.find(".playing").hidden = false;
    this.find(".whole").hidden = true;
    write(this.find(".play"), "Show the picture");
    video.play().catch(() => {}); // what is wrong is told by its error, and the controls are there
  }

  stop() {
    const video = this.find("video");
    video.pause();
    video.removeAttribute("src");
    video.load();
    this.over.clear();
    this.find(".playing").hidden = true;
    this.find(".whole").hidden = false;
    write(this.find(".play"), "Play the clip");
  }
}
