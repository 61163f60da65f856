// Who is known: the names that were taught with their newest picture, when and where each was seen; renamed, forgotten.

import { get, post } from "./api.js";
import { write } from "./boxes.js";
import { sourceName } from "./names.js";
import { know, portray, rowOf } from "./portraits.js";
import { dayOf } from "./when.js";

const AGAIN_MS = 30000; // a name may be taught from a command line, too
export class Who {
  constructor(after, panel) {
    this.panel = panel;
    this.card = document.createElement("details");
    Object.assign(this.card, { id: "who-card", className: "card", open: true, hidden: true });
    this.card.innerHTML = '<summary><h2>Who is known</h2></summary><ul class="who" id="who"></ul><p id="who-note" class="note" role="status"></p>';
    after.after(this.card);
    this.list = this.card.querySelector("ul");
    this.note = this.card.querySelector(".note");
    this.busy = false; // somebody is at a name: what is drawn stays as it is
    document.getElementById("source").addEventListener("change", () => this.teaches && this.load());
    setInterval(() => !document.hidden && this.teaches && this.load(), AGAIN_MS);
  }

  set(teaches) {
    this.teaches = teaches;
    if (teaches) this.load();
    else this.card.hidden = true;
  }

  async load() {
    if (this.busy) return;
    try {
      const source = this.panel.source;
      this.show(await get(`/live/gallery${source ? `?${new URLSearchParams({ source })}` : ""}`));
    } catch {
      this.card.hidden = true; // a model that nobody can be taught to
    }
  }

  // Who was announced was seen just now.
  hear({ label, time, source }) {
    const row = rowOf(label);
    if (!row) return;
    row.seen = { time, source };
    if (!this.busy) write(this.list.querySelector(`[data-name="${CSS.escape(label)}"] small`), about(row));
  }

  show({ source, names }) {
    this.of = source;
    know(source, names);
    this.card.hidden = false;
    this.busy = false;
    this.list.replaceChildren(...names.map((row) => this.item(row)));
    write(this.note, names.length ? "" : "Nobody and nothing yet: show it, and write its name above.");
    this.note.className = "note";
  }

  item(row) {
    const item = document.createElement("li");
    item.dataset.name = row.name;
    item.innerHTML = '<span class="face" aria-hidden="true"><img alt="" hidden></span><p><strong></strong><small></small></p><button type="button" class="quiet more" aria-expanded="false">⋯</button><div hidden><button type="button" class="rename">Rename</button><button type="button" class="forget">Forget</button></div>';
    portray(item.querySelector("img"), row.name);
    item.querySelector(".face").dataset.first = [...row.name][0].toUpperCase();
    write(item.querySelector("strong"), row.name);
    write(item.querySelector("small"), about(row));
    const [more, ways] = [item.querySelector(".more"), item.querySelector("div")];
    more.setAttribute("aria-label", `Change ${row.name}`);
    more.addEventListener("click", () => {
      ways.hidden = !ways.hidden;
      more.setAttribute("aria-expanded", String(!ways.hidden));
    });
    for (const [what, ask] of [["rename", askForName], ["forget", askWhether]]) {
      const button = item.querySelector(`.${what}`);
      button.setAttribute("aria-label", `${button.textContent} ${row.name}`);
      button.addEventListener("click", () => this.ask(item, ask(row)));
    }
    return item;
  }

  // One question at a time, in the place of the name's buttons.
  ask(item, form) {
    this.list.querySelector("form")?.remove();
    this.busy = true;
    item.querySelector("div").hidden = true;
    item.append(form);
    form.querySelector("input, button").focus();
    const leave = () => {
      form.remove();
      this.busy = false;
      item.querySelector(".more").setAttribute("aria-expanded", "false");
      item.querySelector(".more").focus();
    };
    form.querySelector(".leave").addEventListener("click", leave);
    form.addEventListener("keydown", (event) => event.key === "Escape" && leave());
    form.addEventListener("submit", (event) => { event.preventDefault(); this.change(form.change()); });
  }

  async change(body) {
    try {
      this.show(await post("/live/gallery", { ...body, source: this.of }));
      this.list.querySelector("button")?.focus();
    } catch (error) {
      this.note.className = "note bad";
      write(this.note, error.message);
    }
  }
}

function askForName(row) {
  const form = question('<label class="offscreen">New name</label><input autocomplete="off" maxlength="80" required>', "Rename");
  const input = form.querySelector("input");
  input.value = row.name;
  input.id = "who-name";
  form.querySelector("label").htmlFor = input.id;
  form.change = () => ({ rename: row.name, to: input.value });
  return form;
}

function askWhether(row) {
  const form = question("<p></p>", "Forget");
  write(form.querySelector("p"), `Forget ${row.name} and ${count(row.pictures)} for good?`);
  form.change = () => ({ forget: row.name });
  return form;
}

function question(inside, does) {
  const form = document.createElement("form");
  form.innerHTML = `${inside}<button type="submit">${does}</button><button type="button" class="leave">Leave it</button>`;
  return form;
}

function about(row) {
  const { time, source } = row.seen || row.taught;
  return [count(row.pictures), [row.seen ? "seen" : "taught", time ? dayOf(time) : "", source ? sourceName(source) : ""].filter(Boolean).join(" ")].join(" · ");
}

function count(pictures) {
  return pictures === 1 ? "1 picture" : `${pictures} pictures`;
}
