// What is drawn into the picture itself: masks, rotated boxes, keypoints and the limbs between them.

import { hue } from "./rows.js";

const SURE = 0.25; // keypoints below are guesses of what cannot be seen
const PERSON = [[0, 1], [0, 2], [1, 2], [1, 3], [2, 4], [3, 5], [4, 6], [5, 6], [5, 7], [7, 9], [6, 8], [8, 10], [5, 11],
  [6, 12], [11, 12], [11, 13], [13, 15], [12, 14], [14, 16]];
const PALM = [[0, 1], [0, 2], [0, 3], [0, 4], [0, 5], [5, 6]];
const LIMBS = { 17: PERSON, 7: PALM }; // by how many keypoints a thing has

export function drawShapes(paint, results, scale) {
  const radius = Math.max(paint.canvas.width / 160, 3);
  for (const row of results) {
    const color = `hsl(${hue(row.label)} 90% 62%)`;
    for (const outline of row.mask || []) fill(paint, outline, scale, color);
    if (row.corners) trace(paint, row.corners, scale, color, 2);
    if (row.keypoints) points(paint, row.keypoints, scale, color, radius);
  }
}

function path(paint, outline, scale) {
  paint.beginPath();
  outline.forEach(([x, y], i) => paint[i ? "lineTo" : "moveTo"](x * scale, y * scale));
  paint.closePath();
}

function trace(paint, outline, scale, color, width) {
  path(paint, outline, scale);
  paint.lineWidth = width;
  paint.strokeStyle = color;
  paint.stroke();
}

function fill(paint, outline, scale, color) {
  path(paint, outline, scale);
  paint.globalAlpha = 0.35;
  paint.fillStyle = color;
  paint.fill();
  paint.globalAlpha = 1;
  trace(paint, outline, scale, color, 1.5);
}

function points(paint, found, scale, color, radius) {
  const sure = ([, , score]) => score >= SURE;
  paint.strokeStyle = color;
  paint.lineWidth = Math.max(radius / 2, 2);
  for (const [from, to] of LIMBS[found.length] || []) {
    if (!sure(found[from]) || !sure(found[to])) continue;
    paint.beginPath();
    paint.moveTo(found[from][0] * scale, found[from][1] * scale);
    paint.lineTo(found[to][0] * scale, found[to][1] * scale);
    paint.stroke();
  }
  for (const [x, y] of found.filter(sure)) {
    paint.beginPath();
    paint.arc(x * scale, y * scale, radius, 0, 2 * Math.PI);
    paint.fillStyle = color;
    paint.fill();
    paint.lineWidth = radius / 3;
    paint.strokeStyle = "#071013";
    paint.stroke();
  }
}
