// The newest pictures of names that were taught, wherever somebody is named.

const known = new Map(); // name → its row of the gallery
let of = null; // the source whose model was taught

export function know(source, rows) {
  of = source;
  known.clear();
  for (const row of rows) known.set(row.name, row);
  for (const image of document.querySelectorAll("#timeline .portrait")) portray(image, image.closest("li").dataset.label);
}

export function rowOf(name) {
  return known.get(name);
}

// Show whose picture it is in an image; hidden where nobody is, or no picture is kept.
export function portray(image, name) {
  const row = known.get(name);
  image.hidden = !row?.portrait;
  if (image.hidden) return;
  const link = `/live/gallery/portrait?${new URLSearchParams({ name, source: of, of: row.taught.time })}`;
  if (image.getAttribute("src") !== link) image.src = link;
}
