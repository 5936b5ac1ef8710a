// A box on a picture: drawn and moved by mouse, finger or arrow keys.
import {el} from './dom.js';

const LEAST = 0.04;
const STEP = 0.02;
const CORNERS = ['nw', 'ne', 'sw', 'se'];

const within = (x, low = 0, high = 1) => Math.min(high, Math.max(low, x));

export class BoxEditor {
  // `changed` gets the box, or null, when a hand has come to rest.
  constructor(picture, box, changed) {
    this.box = box;
    this.changed = changed;
    this.rectangle = el('div', {class: 'box'},
      ...CORNERS.map((corner) => el('span', {class: `corner ${corner}`, data: {corner}})));
    this.surface = el('div', {class: 'box-surface', tabindex: '0', role: 'group', id: 'box-surface',
      'aria-label': 'Box on the picture. Arrow keys move it, with Shift they size it, Escape removes it.'},
    this.rectangle);
    this.element = el('div', {class: 'framed'}, picture, this.surface);
    // The surface is exactly as large as the picture: shares of one are those of the other.
    picture.addEventListener('load', () => {
      this.element.style.setProperty('--ratio', picture.naturalWidth / picture.naturalHeight);
    });
    this.surface.addEventListener('pointerdown', (event) => this.begin(event));
    this.surface.addEventListener('pointermove', (event) => this.move(event));
    this.surface.addEventListener('pointerup', (event) => this.end(event));
    this.surface.addEventListener('pointercancel', () => this.cancel());
    this.surface.addEventListener('keydown', (event) => this.key(event));
    this.draw();
  }

  draw() {
    const {box, rectangle} = this;
    this.surface.classList.toggle('has-box', Boolean(box));
    rectangle.hidden = !box;
    if (!box) return;
    rectangle.style.left = `${box[0] * 100}%`;
    rectangle.style.top = `${box[1] * 100}%`;
    rectangle.style.width = `${(box[2] - box[0]) * 100}%`;
    rectangle.style.height = `${(box[3] - box[1]) * 100}%`;
  }

  at(event) {
    const area = this.surface.getBoundingClientRect();
    return [within((event.clientX - area.left) / area.width), within((event.clientY - area.top) / area.height)];
  }

  begin(event) {
    if (event.button !== 0 || !event.isPrimary) return;
    event.preventDefault();
    this.surface.focus({preventScroll: true});
    this.surface.setPointerCapture(event.pointerId);
    const [x, y] = this.at(event);
    const {corner} = event.target.dataset;
    const before = this.box;
    const inside = before && x > before[0] && x < before[2] && y > before[1] && y < before[3];
    const mode = corner ? 'size' : inside ? 'move' : 'draw';
    // The corner that stays is across from the one that is held.
    const fixed = corner
      ? [corner.endsWith('w') ? before[2] : before[0], corner.startsWith('n') ? before[3] : before[1]]
      : [x, y];
    this.hand = {mode, before, from: [x, y], fixed, moved: false};
  }

  move(event) {
    if (!this.hand) return;
    const {mode, before, from, fixed} = this.hand;
    const [x, y] = this.at(event);
    if (Math.hypot(x - from[0], y - from[1]) > 0.01) this.hand.moved = true;
    if (!this.hand.moved) return;
    if (mode === 'move') {
      const width = before[2] - before[0];
      const height = before[3] - before[1];
      const left = within(before[0] + x - from[0], 0, 1 - width);
      const top = within(before[1] + y - from[1], 0, 1 - height);
      this.box = [left, top, left + width, top + height];
    } else {
      this.box = [Math.min(fixed[0], x), Math.min(fixed[1], y), Math.max(fixed[0], x), Math.max(fixed[1], y)];
    }
    this.draw();
  }

  end() {
    if (!this.hand) return;
    const {moved, before, mode} = this.hand;
    this.hand = null;
    if (!moved) {
      // A click beside the box takes it away.
      if (mode === 'draw' && before) this.set(null);
      return;
    }
    const tiny = this.box[2] - this.box[0] < LEAST || this.box[3] - this.box[1] < LEAST;
    this.set(tiny ? before : this.box);
  }

  cancel() {
    if (!this.hand) return;
    this.box = this.hand.before;
    this.hand = null;
    this.draw();
  }

  set(box) {
    this.box = box;
    this.draw();
    this.changed(box);
  }

  key(event) {
    const way = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
    const removes = ['Escape', 'Delete', 'Backspace'].includes(event.key);
    if (!way && !(removes && this.box)) return;
    event.preventDefault();
    event.stopPropagation();
    if (removes) return this.set(null);
    const [x0, y0, x1, y1] = this.box || [0.25, 0.25, 0.75, 0.75];
    if (!this.box) return this.set([x0, y0, x1, y1]);
    const [dx, dy] = [way[0] * STEP, way[1] * STEP];
    if (event.shiftKey) {
      this.set([x0, y0, within(x1 + dx, x0 + LEAST), within(y1 + dy, y0 + LEAST)]);
    } else {
      const [mx, my] = [within(dx, -x0, 1 - x1), within(dy, -y0, 1 - y1)];
      this.set([x0 + mx, y0 + my, x1 + mx, y1 + my]);
    }
  }
}
