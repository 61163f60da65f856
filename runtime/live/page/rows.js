// A result's rows in words, whatever made them: each is one thing, and says by itself what is known of it.

export function percent(score) {
  return `${(score * 100).toFixed(score > 0.9995 ? 0 : score > 0.1 ? 0 : 1)} %`;
}

export function hue(label) {
  let sum = 7;
  for (const letter of label) sum = (sum * 31 + letter.codePointAt(0)) % 3600;
  return sum % 360;
}

// Rows that were found in the picture itself, not inside another row.
export function topRows(rows) {
  return rows.filter((row) => row.parent == null);
}

// Who it is, what it reads (with a question mark where that is doubtful), how much it is, else its label; and what was found inside it.
export function title(row, rows) {
  const inside = rows.filter((other) => other.parent != null && rows[other.parent] === row).map((other) => title(other, rows));
  const own = row.name || (row.text && row.id < 0 ? `${row.text}?` : row.text) || (row.value != null ? `${quantity(row.value)} ${row.label}` : row.label);
  return inside.length ? `${own} (${inside.join(", ")})` : own;
}

// Who it is, or who was found inside it.
export function nameOf(row, rows) {
  return row.name || rows.find((other) => other.name && other.parent != null && rows[other.parent] === row)?.name || "";
}

export function caption(row, rows) {
  return row.value != null ? title(row, rows) : `${title(row, rows)} ${percent(row.score)}`;
}

// Whether the rows are things with their places; one who looks for things and finds none has no rows.
export function found(rows) {
  return !rows.length || rows.some((row) => row.box);
}

// All that is there, each name once; in the order of their names, which stays while scores go up and down.
function thingsThere(top, rows) {
  const count = new Map();
  for (const row of top) count.set(title(row, rows), 1 + (count.get(title(row, rows)) || 0));
  return [...count].sort(([a], [b]) => a.localeCompare(b)).map(([name, n]) => (n > 1 ? `${n} × ${name}` : name)).join(", ");
}

// What is read from afar: words, and beside them how sure that is or of what it is so much.
export function headline(rows) {
  const top = topRows(rows);
  if (!top.length) return { words: "nothing", beside: "", known: false, found: true };
  if (found(rows)) return { words: thingsThere(top, rows), beside: top.length === 1 ? percent(top[0].score) : "", known: true, found: true };
  const row = top[0];
  if (row.value != null) return { words: quantity(row.value), beside: row.label, amount: true, known: true };
  const words = title(row, rows);
  const same = top.filter((other) => title(other, rows) === words).length;
  return { words: same > 1 ? `${same} × ${words}` : words, beside: percent(row.score), known: row.id >= 0 };
}

// The lines under the headline, best first, each name once: what else is there, and what it could have been.
export function lines(rows) {
  const all = new Map();
  const add = (name, line) => all.has(name) || all.set(name, { name, ...line });
  topRows(rows).forEach((row, i) => {
    if (row.value != null) {
      if (i > 0) add(row.label, { said: quantity(row.value) });
    } else if (row.id >= 0) {
      add(title(row, rows), { score: row.score, said: percent(row.score) });
    }
    for (const rival of row.rivals || []) add(rival.label, { score: rival.score, said: percent(rival.score) });
  });
  const lines = [...all.values()];
  return found(rows) ? lines.sort((a, b) => a.name.localeCompare(b.name)) : lines;
}

function quantity(value) {
  return String(Number(value.toPrecision(4)));
}
