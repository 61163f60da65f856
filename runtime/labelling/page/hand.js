// A pointer on the picture: draws a box where there is none, moves one, or pulls at its corners.

const LEAST = 4; // pixels of the screen: less was a tap

export function followHand(view, sheet) {
  const { svg } = view;
  let held = null;
  const fingers = new Map(); // of the screen, by the pointer's number

  // Two fingers enlarge and move the picture; what one of them had begun to draw is none.
  const pinch = (event) => {
    const [one, other] = [...fingers.values()];
    const before = { mid: middle(one, other), apart: distance(one, other) };
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
    const [next, last] = [...fingers.values()];
    const to = view.place(at(...middle(next, last)));
    const from = view.place(at(...before.mid));
    view.zoom(distance(next, last) / Math.max(before.apart, 1), to, to[0] - from[0], to[1] - from[1]);
    sheet.changed();
  };

  svg.addEventListener("wheel", (event) => {
    if (!sheet.ready || sheet.broken) return;
    event.preventDefault();
    view.zoom(Math.exp(-event.deltaY / 400), view.place(event));
    sheet.changed();
  }, { passive: false });

  svg.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch") fingers.set(event.pointerId, [event.clientX, event.clientY]);
    if (fingers.size === 2 && held) {
      if (held.moved) sheet.undo();
      held = null;
      return;
    }
    if (fingers.size > 1 || event.button > 0 || !sheet.ready || sheet.broken || !sheet.withBoxes || held) return;
    event.preventDefault();
    svg.parentElement.focus({ preventScroll: true });
    const at = view.place(event);
    const marked = sheet.marked == null ? null : sheet.boxes[sheet.marked];
    const corner = marked ? view.corner(at, marked.box, event.pointerType === "touch") : null;
    const hit = corner == null ? view.hit(at, sheet.boxes) : sheet.marked;
    held = { id: event.pointerId, at, corner, before: sheet.snapshot(), moved: false };
    if (hit != null) {
      sheet.mark(hit);
      held.box = [...sheet.boxes[hit].box];
    }
    svg.setPointerCapture(event.pointerId);
  });

  svg.addEventListener("pointermove", (event) => {
    if (fingers.size === 2 && fingers.has(event.pointerId)) {
      pinch(event);
      return;
    }
    if (!held || event.pointerId !== held.id) return;
    const at = view.place(event);
    const far = Math.hypot(at[0] - held.at[0], at[1] - held.at[1]);
    if (!held.moved && far < LEAST * view.unit) return;
    if (!held.moved) {
      held.moved = true;
      sheet.remember(held.before);
      if (!held.box) sheet.add([...held.at, 0, 0], { remembered: true });
    }
    sheet.place(held.box ? pulled(held, at, view.size) : between(held.at, at));
  });

  const end = (event) => {
    fingers.delete(event.pointerId);
    if (!held || event.pointerId !== held.id) return;
    if (held.moved) sheet.settle();
    else if (!held.box) sheet.mark(null);
    held = null;
  };
  svg.addEventListener("pointerup", end);
  svg.addEventListener("pointercancel", end);
}

const at = (clientX, clientY) => ({ clientX, clientY });
const middle = ([x0, y0], [x1, y1]) => [(x0 + x1) / 2, (y0 + y1) / 2];
const distance = ([x0, y0], [x1, y1]) => Math.hypot(x1 - x0, y1 - y0);

function between([x0, y0], [x1, y1]) {
  return [Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0)];
}

function pulled({ box: [x, y, w, h], corner, at: from }, to, [width, height]) {
  if (corner == null) {
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    return [Math.min(Math.max(x + dx, 0), width - w), Math.min(Math.max(y + dy, 0), height - h), w, h];
  }
  const still = [[x + w, y + h], [x, y + h], [x, y], [x + w, y]][corner];
  return between(still, to);
}
