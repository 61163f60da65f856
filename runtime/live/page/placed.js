// The lines and zones of a source under its picture: each with its name, and a button that takes it away.

const WORDS = { lines: "line", zones: "zone" };

export class PlacedList {
  constructor(list, editor) {
    Object.assign(this, { list, editor, rows: new Map() });
    editor.shows = (value) => this.show(value);
  }

  // Rows of what is there stay as they are: somebody may be writing in one.
  show(value) {
    const there = Object.keys(WORDS).flatMap((kind) => Object.keys(value[kind]).map((name) => [kind, name]));
    const keys = new Set(there.map(([kind, name]) => key(kind, name)));
    for (const [each, row] of this.rows) {
      if (keys.has(each)) continue;
      row.remove();
      this.rows.delete(each);
    }
    for (const [kind, name] of there) {
      if (!this.rows.has(key(kind, name))) this.rows.set(key(kind, name), this.list.appendChild(this.row(kind, name)));
    }
    this.list.hidden = !there.length;
  }

  row(kind, name) {
    const row = document.createElement("li");
    row.className = kind;
    row.append(Object.assign(document.createElement("input"), { value: name, required: true, maxLength: 40, autocomplete: "off" }),
      Object.assign(document.createElement("button"), { type: "button", textContent: "Remove" }));
    const [input, button] = row.children;
    const called = () => {
      input.setAttribute("aria-label", `Name of ${name}`);
      button.setAttribute("aria-label", `Remove ${name}`);
    };
    called();
    input.addEventListener("input", () => input.setCustomValidity(""));
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") input.blur();
      else if (event.key === "Escape") input.value = name;
    });
    input.addEventListener("change", () => {
      const wanted = input.value.trim(), placed = this.editor.value[kind];
      if (wanted === name) return;
      if (Object.hasOwn(placed, wanted)) input.setCustomValidity(`There is a ${WORDS[kind]} of that name already.`);
      if (!wanted || !input.reportValidity()) {
        input.value = wanted || name;
        return;
      }
      this.rows.delete(key(kind, name));
      this.rows.set(key(kind, wanted), row);
      const renamed = Object.entries(placed).map(([each, at]) => [each === name ? wanted : each, at]);
      name = wanted;
      called();
      this.editor.change(kind, Object.fromEntries(renamed));
    });
    button.addEventListener("click", () => {
      (row.nextElementSibling || row.previousElementSibling)?.lastChild.focus();
      this.editor.change(kind, Object.fromEntries(Object.entries(this.editor.value[kind]).filter(([each]) => each !== name)));
    });
    return row;
  }
}

function key(kind, name) {
  return `${kind} ${name}`;
}
