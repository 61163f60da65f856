// Lines and zones with their counts, and the way that followed things came, painted over a picture.

import { hue } from "./rows.js";

const KEPT = 40; // places of a trail
const FORGOTTEN = 60; // frames after which a thing that is not seen loses its trail

export class Trails {
  constructor() {
    this.ways = new Map();
    this.model = "";
  }

  // Where every followed thing stands, added to where it stood before.
  add(result) {
    for (const row of result.results) {
      if (row.track == null || !row.box) continue;
      const [x, y, w, h] = row.box;
      const way = this.ways.get(row.track) || { points: [] };
      Object.assign(way, { label: row.label, frame: result.frame });
      way.points.push([(x + w / 2) / result.size[0], (y + h) / result.size[1]]);
      if (way.points.length > KEPT) way.points.shift();
      this.ways.set(row.track, way);
    }
    for (const [track, way] of this.ways) {
      if (Math.abs(result.frame - way.frame) > FORGOTTEN) this.ways.delete(track);
    }
  }

  paint(paint, { width, height }) {
    paint.lineWidth = Math.max(width / 320, 2);
    paint.lineJoin = "round";
    for (const { label, points } of this.ways.values()) {
      points.slice(1).forEach((point, i) => {
        paint.globalAlpha = (i + 1) / points.length;
        paint.strokeStyle = `hsl(${hue(label)} 90% 62%)`;
        follow(paint, [points[i], point], width, height);
        paint.stroke();
      });
    }
    paint.globalAlpha = 1;
  }
}

export function paintPlaces(paint, { width, height }, { lines = {}, zones = {} }) {
  for (const [name, zone] of Object.entries(zones)) {
    const points = pairs(zone.at);
    outline(paint, points, width, height, zone.loitering ? "#fa5050" : "#50bef0", true);
    note(paint, points.reduce((a, b) => (a[1] < b[1] || (a[1] === b[1] && a[0] <= b[0]) ? a : b)), `${name}: ${sum(zone.occupancy)}`, width, height);
  }
  for (const [name, line] of Object.entries(lines)) {
    const [from, to] = pairs(line.at);
    outline(paint, [from, to], width, height, "#fadc50", false);
    note(paint, [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2], `${name}: ${sum(line.in)} in, ${sum(line.out)} out`, width, height);
  }
}

export function outline(paint, points, width, height, color, closed) {
  follow(paint, points, width, height);
  if (closed) paint.closePath();
  const thick = Math.max(width / 320, 2);
  for (const [ink, wide] of [["#071013", thick + 2], [color, thick]]) {
    Object.assign(paint, { strokeStyle: ink, lineWidth: wide });
    paint.stroke();
  }
}

function note(paint, [x, y], text, width, height) {
  const size = Math.max(Math.round(height / 28), 11);
  Object.assign(paint, { font: `600 ${size}px system-ui, sans-serif`, textBaseline: "top" });
  const wide = paint.measureText(text).width + size;
  const left = Math.min(Math.max(x * width, 0), Math.max(width - wide, 0));
  const top = Math.min(Math.max(y * height, 0), height - size * 1.5);
  paint.fillStyle = "rgb(7 16 19 / .8)";
  paint.fillRect(left, top, wide, size * 1.5);
  paint.fillStyle = "#fff";
  paint.fillText(text, left + size / 2, top + size / 4);
}

function follow(paint, points, width, height) {
  paint.beginPath();
  points.forEach(([x, y], i) => (i ? paint.lineTo(x * width, y * height) : paint.moveTo(x * width, y * height)));
}

function pairs(numbers) {
  return numbers.flatMap((value, i) => (i % 2 ? [] : [[value, numbers[i + 1]]]));
}

function sum(counts) {
  return Object.values(counts).reduce((a, b) => a + b, 0);
}
