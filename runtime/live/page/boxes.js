// Boxes with their captions over a picture, whichever size it is shown in.

import { placeCaptions } from "./captions.js";
import { caption, hue, nameOf } from "./rows.js";
import { portray } from "./portraits.js";

export function drawBoxes(layer, results, [width, height]) {
  const rows = results.filter((row) => row.box);
  while (layer.children.length > rows.length) layer.lastChild.remove();
  rows.forEach((row, i) => {
    const box = layer.children[i] || layer.appendChild(newBox());
    const [x, y, w, h] = row.box;
    Object.assign(box.style, { left: `${100 * x / width}%`, top: `${100 * y / height}%`, width: `${100 * w / width}%`, height: `${100 * h / height}%` });
    box.style.setProperty("--hue", hue(row.label));
    box.classList.toggle("bare", Boolean(row.corners));
    write(box.firstChild, caption(row, results));
    portray(box.lastChild, nameOf(row, results));
  });
  placeCaptions(layer, rows.map((row) => row.box), [width, height]);
}

function newBox() {
  const box = document.createElement("div");
  box.className = "box";
  box.append(document.createElement("span"), Object.assign(new Image(), { className: "portrait", alt: "", hidden: true }));
  return box;
}

export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
