// Products as cards, and the way over them by keys.
import {el, icon, picture} from './dom.js';
import {imageUrl, labelOf, percentOf, priceOf, titleOf} from './text.js';

function tile(hit) {
  const box = el('div', {class: 'tile'});
  box.append(picture({src: imageUrl(hit.product_id, hit.image), alt: '', loading: 'lazy', decoding: 'async',
    width: '192', height: '256', draggable: 'false'},
  (image) => image.replaceWith(el('span', {class: 'no-image'}, icon('image')))));
  return box;
}

function scoreBar(hit) {
  const fill = el('span', {class: 'fill'});
  fill.style.width = `${Math.round(Math.min(1, Math.max(0, hit.score)) * 100)}%`;
  const parts = hit.block_scores.map(({block, cosine}) => `${labelOf(block)} ${(cosine * 100).toFixed(0)}`);
  return el('div', {class: 'score', title: parts.join(' · ') || undefined},
    el('span', {class: 'track', 'aria-hidden': 'true'}, fill), el('span', {class: 'percent'}, percentOf(hit)));
}

function action(name, label, act) {
  return el('button', {type: 'button', class: `act ${name}`, 'aria-label': label, title: label, tabindex: '-1',
    data: {act: name}, onclick: act}, icon(name));
}

// `options`: hrefOf(hit), and go, plus, minus, copy, each taking the hit; `scores`
// and `examples` say whether cards have them.
export function card(hit, options) {
  const title = titleOf(hit);
  const price = priceOf(hit.attributes);
  const link = el('a', {class: 'card-link', href: options.hrefOf(hit), tabindex: '-1', draggable: 'false',
    onclick: (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
      event.preventDefault();
      options.go(hit);
    }},
  tile(hit),
  el('span', {class: 'title'}, title),
  el('span', {class: 'about'}, el('span', {class: 'category'}, hit.category || ''),
    price ? el('span', {class: 'price'}, price) : null));
  const actions = el('div', {class: 'acts'});
  if (options.examples) {
    actions.append(action('plus', `More like ${title}`, () => options.plus(hit)),
      action('minus', `Less like ${title}`, () => options.minus(hit)));
  }
  actions.append(action('copy', `Copy the id of ${title}`, () => options.copy(hit)));
  const item = el('li', {class: 'card', data: {id: hit.product_id}}, link);
  if (options.scores) item.append(scoreBar(hit));
  item.append(actions);
  item.hit = hit;
  return item;
}

function columnsOf(list) {
  return getComputedStyle(list).gridTemplateColumns.split(' ').length;
}

// The similar products, with what goes with the picture after the first rows: whoever
// has seen those is shown it without a walk to the end.
export class Grid {
  constructor(root, options) {
    this.root = root;
    this.options = options;
    this.cards = [];
    this.current = null;
    this.first = el('ul', {class: 'grid', 'aria-labelledby': 'results-title'});
    this.rest = el('ul', {class: 'grid', 'aria-label': 'More similar products'});
    this.shelf = el('section', {class: 'shelf', 'aria-label': 'Goes with it', hidden: true});
    root.append(this.first, this.shelf, this.rest);
    root.addEventListener('keydown', (event) => this.key(event));
    root.addEventListener('focusin', (event) => this.enter(event.target.closest('.card')));
    this.columns = 0;
    new ResizeObserver(() => this.split()).observe(root);
  }

  show(hits, complements, options = {}) {
    const kept = new Map(this.cards.filter(() => options.scores === this.shown?.scores)
      .map((one) => [one.dataset.id, one]));
    this.shown = options;
    const settings = {...this.options, ...options};
    this.cards = hits.map((hit) => {
      const old = kept.get(hit.product_id);
      // The same picture need not be loaded again; what a link says may have changed.
      if (old && old.hit.score === hit.score && old.hit.image === hit.image && old.isConnected) {
        old.hit = hit;
        old.firstChild.setAttribute('href', settings.hrefOf(hit));
        return old;
      }
      return card(hit, settings);
    });
    this.showShelf(complements, settings);
    this.columns = 0;
    this.split();
    this.enter(this.cards[0] || null);
  }

  add(hits) {
    const settings = {...this.options, ...this.shown};
    this.cards.push(...hits.map((hit) => card(hit, settings)));
    this.columns = 0;
    this.split();
  }

  showShelf(complements, settings) {
    this.shelf.hidden = complements.length === 0;
    const slots = complements.map(({slot, hits}) => el('section', {class: 'slot'},
      el('h3', {}, labelOf(slot)),
      el('ul', {class: 'row', 'aria-label': labelOf(slot)},
        ...hits.map((hit) => card(hit, {...settings, examples: false})))));
    this.shelf.replaceChildren(el('h2', {}, 'Goes with it'), el('div', {class: 'slots'}, ...slots));
  }

  split() {
    const columns = columnsOf(this.first);
    if (columns === this.columns) return;
    this.columns = columns;
    const cut = this.shelf.hidden ? this.cards.length : 2 * columns;
    this.first.replaceChildren(...this.cards.slice(0, cut));
    this.rest.replaceChildren(...this.cards.slice(cut));
    this.rest.hidden = this.cards.length <= cut;
  }

  // One card at a time is in the order of Tab.
  enter(next) {
    if (!next || next === this.current) return;
    for (const [one, index] of [[this.current, '-1'], [next, '0']]) {
      for (const target of one?.querySelectorAll('a, button') || []) target.setAttribute('tabindex', index);
    }
    this.current = next;
  }

  focus(id) {
    const found = this.all().find((one) => one.dataset.id === id) || (id === undefined ? this.cards[0] : null);
    if (!found) return false;
    this.enter(found);
    found.firstChild.focus({preventScroll: id !== undefined});
    return true;
  }

  // Where a product's card is on the screen; undefined where there is none.
  topOf(id) {
    return this.all().find((one) => one.dataset.id === id)?.getBoundingClientRect().top;
  }

  all() {
    return [...this.root.querySelectorAll('.card')];
  }

  // The nearest card above or below, by where they are seen.
  beside(from, down) {
    const here = from.getBoundingClientRect();
    const middle = here.left + here.width / 2;
    let best = null;
    for (const one of this.all()) {
      const place = one.getBoundingClientRect();
      const rows = down ? place.top - here.top : here.top - place.top;
      if (rows < 8) continue;
      const distance = rows * 4 + Math.abs(place.left + place.width / 2 - middle);
      if (!best || distance < best.distance) best = {one, distance};
    }
    return best?.one;
  }

  key(event) {
    const here = event.target.closest('.card');
    if (!here || event.altKey || event.ctrlKey || event.metaKey) return;
    const cards = this.all();
    const at = cards.indexOf(here);
    const next = {
      ArrowRight: () => cards[at + 1], ArrowLeft: () => cards[at - 1],
      ArrowDown: () => this.beside(here, true), ArrowUp: () => this.beside(here, false),
      Home: () => cards[0], End: () => cards[cards.length - 1],
    }[event.key];
    if (next) {
      event.preventDefault();
      const target = next();
      if (target) {
        this.enter(target);
        target.firstChild.focus();
        target.scrollIntoView({block: 'nearest', inline: 'nearest'});
      }
      return;
    }
    const button = {'+': 'plus', '-': 'minus', '−': 'minus', c: 'copy'}[event.key];
    const found = button && here.querySelector(`[data-act=${button}]`);
    if (found) {
      event.preventDefault();
      found.click();
    }
  }
}
