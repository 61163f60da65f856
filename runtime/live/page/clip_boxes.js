// What was seen in a clip, drawn over it as it plays: every picture's own boxes, by its time in the clip.

import { drawBoxes } from "./boxes.js";
import { drawShapes } from "./shapes.js";

const SAME_S = 0.0011; // times are written in milliseconds

export class ClipBoxes {
  // `root` holds the video and the layers over it.
  constructor(root, button, fullButton) {
    this.root = root;
    this.video = root.querySelector("video");
    this.layer = root.querySelector(".boxes");
    this.paint = root.querySelector("canvas").getContext("2d");
    this.button = button;
    this.fullButton = fullButton;
    this.wanted = true; // until somebody hides them
    this.clear();
    button.addEventListener("click", () => this.show(this.wanted = !this.shown));
    fullButton.addEventListener("click", () => root.requestFullscreen().catch(() => {})); // the video's own would leave the boxes behind
    this.video.addEventListener("loadedmetadata", () => this.place());
    new ResizeObserver(() => this.place()).observe(this.video);
  }

  async load(address) {
    const loading = this.loading = {}; // another clip may be played meanwhile
    const answer = await fetch(address).catch(() => null);
    const text = answer?.ok ? await answer.text().catch(() => "") : "";
    const pictures = text.split("\n").map(read).filter(Boolean);
    if (this.loading !== loading || !pictures.some(({ results }) => results.some((row) => row.box))) return;
    this.pictures = pictures;
    this.button.hidden = false;
    this.fullButton.hidden = !document.fullscreenEnabled;
    this.video.setAttribute("controlsList", "nofullscreen");
    this.show(this.wanted && !pictures[0].drawn); // what is in the picture itself is not drawn twice
    this.follow(pictures);
  }

  clear() {
    this.loading = null;
    this.pictures = [];
    this.drawn = undefined;
    this.layer.replaceChildren();
    this.button.hidden = this.fullButton.hidden = true;
    this.video.removeAttribute("controlsList");
    this.show(false);
  }

  show(shown) {
    this.shown = shown;
    this.button.setAttribute("aria-pressed", String(shown));
    this.layer.hidden = this.paint.canvas.hidden = !shown;
  }

  // Draws with each picture that the browser shows; by the clock where it does not say which that is.
  follow(pictures) {
    const next = this.video.requestVideoFrameCallback
      ? () => this.video.requestVideoFrameCallback((_, { mediaTime }) => step(mediaTime))
      : () => requestAnimationFrame(() => step(this.video.currentTime));
    const step = (at) => {
      if (this.pictures !== pictures) return;
      this.draw(at);
      next();
    };
    step(this.video.currentTime);
  }

  draw(at) {
    const picture = this.pictureAt(at);
    if (picture === this.drawn || !this.video.videoWidth) return;
    this.drawn = picture;
    const { canvas } = this.paint;
    const results = picture ? inPixels(picture.results, canvas.width, canvas.height) : [];
    this.paint.clearRect(0, 0, canvas.width, canvas.height);
    drawShapes(this.paint, results, 1);
    drawBoxes(this.layer, results, [canvas.width, canvas.height]);
    this.layer.dataset.frame = picture ? picture.frame : "";
  }

  // The newest one that is no later.
  pictureAt(at) {
    let [low, high] = [0, this.pictures.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.pictures[middle].position_s <= at + SAME_S) low = middle + 1;
      else high = middle;
    }
    return this.pictures[low - 1];
  }

  // Over the picture, wherever the player has it: it keeps its shape in a player of another.
  place() {
    const { videoWidth: wide, videoHeight: high, clientWidth, clientHeight, offsetLeft, offsetTop } = this.video;
    if (!wide || !clientWidth) return;
    const scale = Math.min(clientWidth / wide, clientHeight / high);
    const left = offsetLeft + (clientWidth - wide * scale) / 2, top = offsetTop + (clientHeight - high * scale) / 2;
    const { canvas } = this.paint;
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
    for (const over of [canvas, this.layer]) {
      Object.assign(over.style, { left: `${left}px`, top: `${top}px`, width: `${wide * scale}px`, height: `${high * scale}px` });
    }
    this.drawn = undefined;
    this.draw(this.video.currentTime);
  }
}

// A line that is damaged or of another kind is passed over.
function read(line) {
  try {
    const picture = JSON.parse(line);
    return picture.position_s >= 0 && Array.isArray(picture.results) ? picture : null;
  } catch {
    return null;
  }
}

// Rows whose places are fractions, at the size that they are drawn in.
function inPixels(rows, width, height) {
  const point = ([x, y, ...rest]) => [x * width, y * height, ...rest];
  return rows.map((row) => ({
    ...row,
    ...(row.box && { box: row.box.map((part, i) => part * (i % 2 ? height : width)) }),
    ...(row.corners && { corners: row.corners.map(point) }),
    ...(row.keypoints && { keypoints: row.keypoints.map(point) }),
    ...(row.mask && { mask: row.mask.map((outline) => outline.map(point)) }),
  }));
}
