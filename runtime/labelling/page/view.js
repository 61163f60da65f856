// The picture with its boxes: drawn, hit, and pulled at.

const SVG = "http://www.w3.org/2000/svg";
const MOST_ENLARGED = 16;
const REACH = 14; // pixels of the screen around a handle that still are it

export const hue = (label) => {
  let sum = 0;
  for (const letter of label) sum = (sum * 31 + letter.codePointAt(0)) % 997;
  return Math.round(sum * 137.508) % 360;
};

export const color = (label) => `hsl(${hue(label)} 90% 62%)`;

export class View {
  constructor(root) {
    this.svg = root.querySelector("#picture");
    this.image = root.querySelector("#image");
    this.boxes = root.querySelector("#boxes");
    this.handles = root.querySelector("#handles");
  }

  show({ src, width, height }) {
    this.size = [width, height];
    this.look([0, 0, width, height]);
    for (const [name, value] of [["href", src], ["width", width], ["height", height], ["preserveAspectRatio", "none"]]) this.image.setAttribute(name, value);
  }

  clear() {
    this.image.removeAttribute("href");
    this.boxes.replaceChildren();
    this.handles.replaceChildren();
  }

  // Picture pixels to one of the screen.
  get unit() {
    const { width, height } = this.svg.getBoundingClientRect();
    return Math.max(this.part[2] / Math.max(width, 1), this.part[3] / Math.max(height, 1));
  }

  look(part) {
    this.part = part;
    this.svg.setAttribute("viewBox", part.join(" "));
  }

  // Larger or smaller by a factor, so that the place [x, y] stays where it is; then moved by dx, dy.
  zoom(factor, [x, y], dx = 0, dy = 0) {
    const [width, height] = this.size;
    const [left, top, w, h] = this.part;
    const scale = Math.min(Math.max(factor, w / width), (w * MOST_ENLARGED) / width);
    const [nw, nh] = [w / scale, h / scale];
    const inside = (value, most) => Math.min(Math.max(value, 0), most);
    this.look([inside(x - (x - left) / scale - dx, width - nw), inside(y - (y - top) / scale - dy, height - nh), nw, nh]);
  }

  place(event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    return [Math.min(Math.max(at.x, 0), this.size[0]), Math.min(Math.max(at.y, 0), this.size[1])];
  }

  draw(boxes, marked) {
    const unit = this.unit;
    this.boxes.replaceChildren(...boxes.map((row, i) => this.box(row, i === marked, unit)));
    this.handles.replaceChildren(...(marked == null ? [] : corners(boxes[marked].box).map(([x, y]) => dot(x, y, 6 * unit))));
  }

  box({ box: [x, y, w, h], label, score, proposed, crowd }, marked, unit) {
    const group = document.createElementNS(SVG, "g");
    group.setAttribute("class", `box${marked ? " marked" : ""}${proposed ? " proposed" : ""}${crowd ? " crowd" : ""}`);
    const rect = document.createElementNS(SVG, "rect");
    for (const [name, value] of Object.entries({ x, y, width: w, height: h, stroke: color(label) })) rect.setAttribute(name, value);
    const text = document.createElementNS(SVG, "text");
    const size = 15 * unit;
    const high = y < size * 1.4;
    for (const [name, value] of Object.entries({ x: x + 2 * unit, y: high ? y + size : y - 4 * unit, "font-size": size, "stroke-width": 3 * unit, fill: color(label) })) text.setAttribute(name, value);
    text.textContent = score == null ? `${label}${crowd ? " (crowd)" : ""}` : `${label} ${score.toFixed(2)}`;
    group.append(rect, text);
    return group;
  }

  // The corner of the marked box that is pulled at: 0 to 3, null where none is.
  corner([x, y], box, touch) {
    const reach = REACH * this.unit * (touch ? 1.6 : 1);
    const near = corners(box).map(([cx, cy]) => Math.hypot(cx - x, cy - y));
    const best = near.indexOf(Math.min(...near));
    return near[best] <= reach ? best : null;
  }

  // The smallest box around a place, so that a small one over a large one can be had.
  hit([x, y], boxes) {
    let best = null;
    boxes.forEach(({ box: [bx, by, w, h] }, i) => {
      const inside = x >= bx && x <= bx + w && y >= by && y <= by + h;
      if (inside && (best == null || w * h < boxes[best].box[2] * boxes[best].box[3])) best = i;
    });
    return best;
  }
}

function corners([x, y, w, h]) {
  return [[x, y], [x + w, y], [x + w, y + h], [x, y + h]];
}

function dot(x, y, r) {
  const circle = document.createElementNS(SVG, "circle");
  for (const [name, value] of Object.entries({ cx: x, cy: y, r, class: "handle" })) circle.setAttribute(name, value);
  return circle;
}
