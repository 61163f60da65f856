// "This is …": what is meant gets a name, and loses it again.

import { post } from "./api.js";
import { write } from "./boxes.js";

export class Teach {
  // `meant` says of what the lesson is, and `done` hears of each that was given or taken back.
  constructor(form, note, meant, done) {
    Object.assign(this, { form, note, meant, done, turn: 0 });
    this.name = form.querySelector("input");
    this.undo = form.querySelector(".undo");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send({ name: this.name.value, photos: document.getElementById("teach-photos").checked, ...meant() });
    });
    this.undo.addEventListener("click", () => this.send(this.lesson));
    this.forget();
  }

  // Nothing was taught here yet: an answer that is under way is for what was meant before.
  forget() {
    this.turn += 1;
    this.lesson = null;
    this.undo.hidden = true;
    this.say("");
  }

  async send(body) {
    const turn = this.turn;
    try {
      const answer = await post("/v1/teach", body);
      this.done(answer, body);
      if (turn !== this.turn) return;
      this.lesson = answer.lesson ? { undo: answer.lesson, source: body.source } : null;
      this.undo.hidden = !this.lesson;
      this.say(this.lesson ? learned(answer) : "taken back");
    } catch (error) {
      if (turn === this.turn) this.say(error.message, true);
    }
  }

  say(text, bad = false) {
    this.note.classList.toggle("bad", bad);
    write(this.note, text);
  }
}

function learned({ name, pictures, doubt }) {
  return `${name}: ${pictures} ${pictures === 1 ? "picture" : "pictures"}; ${doubt || "show it from another side, too"}`;
}
