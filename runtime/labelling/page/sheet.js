// One picture's marks while they are made: what is marked, what can be undone, and what is sent in the end.

export class Sheet {
  constructor(changed) {
    this.changed = changed;
    this.ready = false;
    this.boxes = [];
    this.label = "";
    this.marked = null;
    this.current = "";
    this.past = [];
  }

  take(picture, withBoxes) {
    this.withBoxes = withBoxes;
    this.size = [picture.width, picture.height];
    this.boxes = picture.boxes.map((row) => ({ ...row, box: [...row.box], proposed: picture.proposed }));
    this.label = picture.label;
    this.proposed = picture.proposed;
    this.done = picture.done;
    this.marked = null;
    this.past = [];
    this.edited = false;
    this.ready = true;
    this.broken = false;
    this.changed();
  }

  // A picture that cannot be shown: it can only be passed over.
  takeNothing() {
    Object.assign(this, { ready: true, broken: true, edited: false, boxes: [], label: "", marked: null, past: [] });
  }

  // What was made of it is on its way, and it stays before whoever labels.
  wasSent() {
    Object.assign(this, { edited: false, done: true, past: [] });
  }

  // As it is now, to come back to: what is said of it, and what can be undone.
  kept() {
    return { marks: this.marks(this.done), past: [...this.past, this.snapshot()] };
  }

  restore({ past }) {
    this.past = [...past];
    this.undo();
  }

  snapshot() {
    return JSON.stringify([this.boxes, this.label, this.marked]);
  }

  remember(before = this.snapshot()) {
    this.past.push(before);
    this.edited = true;
  }

  undo() {
    const before = this.past.pop();
    if (before === undefined) return;
    [this.boxes, this.label, this.marked] = JSON.parse(before);
    this.edited = true;
    this.changed();
  }

  mark(number) {
    this.marked = number;
    this.changed();
  }

  markNext(step) {
    const count = this.boxes.length;
    if (count) this.mark(this.marked == null ? (step > 0 ? 0 : count - 1) : (this.marked + step + count) % count);
  }

  add(box, { remembered = false } = {}) {
    if (!this.current) throw new Error("add a class first: what is in the box?");
    if (!remembered) this.remember();
    this.boxes.push({ label: this.current, box });
    this.mark(this.boxes.length - 1);
  }

  addInTheMiddle() {
    const [w, h] = this.size;
    this.add([w * 0.375, h * 0.375, w / 4, h / 4]);
  }

  place(box) {
    Object.assign(this.boxes[this.marked], { box, proposed: false, score: undefined });
    this.changed();
  }

  // A box without a size is none.
  settle() {
    const row = this.boxes[this.marked];
    if (row && (row.box[2] < 1 || row.box[3] < 1)) {
      this.boxes.splice(this.marked, 1);
      this.marked = null;
    }
    this.changed();
  }

  nudge(dx, dy, resize) {
    if (this.marked == null) return;
    this.remember();
    const [x, y, w, h] = this.boxes[this.marked].box;
    const [width, height] = this.size;
    const inside = (value, most) => Math.min(Math.max(value, 0), most);
    this.place(resize ? [x, y, inside(w + dx, width - x) || 1, inside(h + dy, height - y) || 1] : [inside(x + dx, width - w), inside(y + dy, height - h), w, h]);
  }

  // The class of the marked box, or of the one that is drawn next; where there are no boxes, of the picture.
  name(label) {
    this.current = label;
    if (!this.withBoxes) {
      this.remember();
      this.label = label;
      this.proposed = false;
    } else if (this.marked != null) {
      this.remember();
      Object.assign(this.boxes[this.marked], { label, proposed: false, score: undefined });
    }
    this.changed();
  }

  // Many of them, or one too hard to tell: the marked box counts neither way, or does again.
  turnCrowd() {
    const row = this.boxes[this.marked];
    if (!row) return;
    this.remember();
    Object.assign(row, { crowd: !row.crowd || undefined, proposed: false, score: undefined });
    this.changed();
  }

  // The marked box, else all that were only proposed, else the picture's label.
  remove() {
    this.remember();
    if (!this.withBoxes) this.label = "";
    else if (this.marked != null) this.boxes.splice(this.marked, 1);
    else this.boxes = this.boxes.filter((row) => !row.proposed);
    this.marked = null;
    this.changed();
  }

  marks(done) {
    return { boxes: this.boxes.map(({ label, box, crowd }) => ({ label, box, crowd })), label: this.label, done };
  }
}
