// Where captions go that belong to boxes: beside their own, and over as little as can be of what else is to be seen.

const BOX = 0.5; // how much the part of a box counts that is covered, beside the part of this caption that covers another
const ORDER = 0.01; // what it costs to go on to the next spot, where all are alike
const CROWD = 16; // captions that are written smaller

// The top left corner of a caption of some size around a box, spot by spot; style.css says the same in its own words.
const SPOTS = {
  above: ([left, top], [, high]) => [left, top - high],
  top: ([left, top]) => [left, top],
  below: ([left, , , bottom]) => [left, bottom],
  bottom: ([left, , , bottom], [, high]) => [left, bottom - high],
  right: ([, top, right]) => [right, top],
};

// Give each box of a layer, the most important first, the spot of its caption; `places` are their x, y, width, height in
// a picture of such a size.
export function placeCaptions(layer, places, [width, height]) {
  const room = [layer.clientWidth, layer.clientHeight];
  layer.classList.toggle("crowded", places.length >= CROWD);
  if (!room[0]) return; // nobody sees it
  const across = room[0] / width, down = room[1] / height;
  const boxes = places.map(([x, y, w, h]) => [x * across, y * down, (x + w) * across, (y + h) * down]);
  const captions = [...layer.children].map((box) => box.firstChild);
  const sizes = captions.map((caption) => [caption.offsetWidth, caption.offsetHeight]); // all read before any is moved
  const taken = [];
  captions.forEach((caption, i) => {
    const [at, cover] = best(boxes[i], sizes[i], boxes, taken, room);
    taken.push(cover);
    caption.dataset.at = at;
    const out = boxes[i][at === "right" ? 2 : 0] - cover[0]; // how far it was moved to stay inside the picture
    caption.style.marginLeft = Math.abs(out) < 1 ? "" : `${-out}px`;
  });
}

// The spot that covers least, and what a caption covers there.
function best(box, size, boxes, taken, room) {
  const area = Math.max(size[0] * size[1], 1);
  let found = [], least = Infinity;
  Object.entries(SPOTS).forEach(([at, corner], turn) => {
    const wanted = corner(box, size);
    const [x, y] = wanted.map((value, i) => Math.max(0, Math.min(value, room[i] - size[i])));
    const cover = [x, y, x + size[0], y + size[1]];
    const moved = Math.abs(y - wanted[1]) > 1; // up or down: style.css does not know how far
    let cost = moved ? Infinity : ORDER * turn;
    for (const other of taken) cost += shared(cover, other) / area;
    for (const other of boxes) cost += BOX * shared(cover, other) / Math.max((other[2] - other[0]) * (other[3] - other[1]), 1);
    if (cost < least || !found.length) [found, least] = [[at, cover], cost];
  });
  return found;
}

function shared(one, other) {
  const wide = Math.min(one[2], other[2]) - Math.max(one[0], other[0]);
  const high = Math.min(one[3], other[3]) - Math.max(one[1], other[1]);
  return Math.max(wide, 0) * Math.max(high, 0);
}
