// The page: what is looked for lies in the address, and each change of it is a step
// of the browser's history.
import {answerTo, describe, forget, known, moreOf, PictureGone, productOf} from './engine.js';
import {byId, copyText, el, picture, toast} from './dom.js';
import {Grid} from './grid.js';
import {openSheet, showCategories, showExamples, showFacets, showSliders, showSubject} from './panel.js';
import {pictureIn, takePicture} from './picture.js';
import {copyOf, emptyState, queryOf, stateOf} from './state.js';
import {countOf, imageUrl, sentenceOf, titleOf} from './text.js';

const SLOW_MS = 150;
const AGAIN_MS = 3000;
const LESS = -0.5;
const MOST_EXAMPLES = 15;

let state = stateOf(location.search);
let shown = null;       // The answer on the page.
let running = null;     // The AbortController of the one that is awaited.
let againTimer = 0;
const places = new Map();  // A step's key -> {scroll, focus}
let step = history.state?.step ?? `${Date.now()}`;

const grid = new Grid(byId('grid'), {
  hrefOf: (hit) => queryOf(afterClick(hit)),
  go: (hit) => {
    remember(hit.product_id);
    navigate(afterClick(hit));
  },
  plus: (hit) => addExample(hit, 1),
  minus: (hit) => addExample(hit, LESS),
  copy: async (hit) => {
    await copyText(hit.product_id);
    toast('The id is copied');
  },
});

// ---- Steps

function afterClick(hit) {
  const next = emptyState();
  next.subject = {product: hit.product_id};
  next.emphasis = new Map(state.emphasis);
  // Filters hold on; a category would leave out what goes with the next one.
  for (const [name, values] of state.values) if (name !== 'category') next.values.set(name, values);
  next.ranges = new Map(state.ranges);
  return next;
}

function remember(focus) {
  places.set(step, {scroll: window.scrollY, focus, top: grid.topOf(focus)});
}

function navigate(next, {replace = false} = {}) {
  const url = queryOf(next);
  const sameSubject = JSON.stringify(next.subject) === JSON.stringify(state.subject);
  if (replace) {
    history.replaceState({step}, '', url);
  } else if (url !== location.pathname + location.search) {
    if (!places.has(step)) remember();
    step = `${Date.now()}-${Math.random()}`;
    history.pushState({step}, '', url);
  }
  state = next;
  show(sameSubject ? {} : {scroll: 0});
}

// How parts of the page change the state.
function act(change, {replace = false, sameSubject} = {}) {
  if (sameSubject && JSON.stringify(sameSubject) !== JSON.stringify(state.subject)) return;
  const next = copyOf(state);
  change(next);
  navigate(next, {replace});
}

function addExample(hit, weight) {
  if (state.examples.length >= MOST_EXAMPLES) {
    toast(`At most ${MOST_EXAMPLES} examples besides the picture`);
    return;
  }
  act((next) => {
    next.examples = next.examples.filter(({product}) => product !== hit.product_id);
    next.examples.push({product: hit.product_id, weight});
  });
  toast(`${weight < 0 ? 'Less' : 'More'} like ${titleOf(hit)}`);
}

window.addEventListener('popstate', () => {
  remember(document.activeElement?.closest?.('.card')?.dataset.id);
  step = history.state?.step ?? 'first';
  state = stateOf(location.search);
  show({scroll: 0, ...places.get(step)});
});
history.scrollRestoration = 'manual';
history.replaceState({step}, '');

// ---- What is shown

function busy(on) {
  clearTimeout(busy.timer);
  const paint = () => document.body.classList.toggle('busy', on);
  if (on) busy.timer = setTimeout(paint, SLOW_MS);
  else paint();
  byId('grid').setAttribute('aria-busy', String(on));
}

function notice(text, buttons = [], calm = false) {
  const box = byId('notice');
  box.classList.toggle('calm', calm);
  box.hidden = !text;
  box.replaceChildren(el('p', {}, text || ''), ...buttons);
}

function skeleton() {
  const cards = Array.from({length: 12}, () => el('li', {class: 'card ghost'}, el('div', {class: 'tile'}),
    el('span', {class: 'title'}), el('span', {class: 'about'})));
  grid.cards = [];
  grid.first.replaceChildren(...cards);
  grid.rest.replaceChildren();
  grid.shelf.hidden = true;
}

function fail(error) {
  busy(false);
  shown = null;
  grid.show([], []);
  byId('results-head').hidden = true;
  byId('facets').replaceChildren();
  if (error instanceof PictureGone) {
    return notice(error.message, [el('a', {class: 'button', href: '/'}, 'To the start')]);
  }
  const retry = el('button', {type: 'button', class: 'button', onclick: () => show()}, 'Try again');
  byId('more').hidden = true;
  const said = sentenceOf(error.message || String(error));
  if (error.passes) {
    forget();
    againTimer = setTimeout(show, AGAIN_MS);
    return notice(`${said} It is tried again by itself.`, [retry]);
  }
  return notice(said, [retry]);
}

// `scroll` and `focus` are where to be when it is shown; the place is kept where unset.
async function show(place = {}) {
  clearTimeout(againTimer);
  running?.abort();
  running = new AbortController();
  const {signal} = running;
  document.body.dataset.view = state.subject ? 'results' : 'start';
  byId('results-title').textContent = state.subject ? 'Similar' : 'Start from one of these';
  showSubject(state, products.get(state.subject?.product) ?? null, act);
  showExamples(state, act);
  if (!known(state)) busy(true);
  if (!shown && byId('notice').hidden) skeleton();
  try {
    const about = await describe(signal);
    showSliders(state, about.model.blocks, act);
    showCategories(state, about.categories, act);
    const wanted = state;
    const product = productFor(wanted, signal);
    const answer = await answerTo(wanted, signal);
    if (signal.aborted) return;
    present(answer, await product);
    busy(false);
    settle(place);
  } catch (error) {
    if (error.name !== 'AbortError') fail(error);
  }
}

const products = new Map();
async function productFor({subject}, signal) {
  if (subject?.product === undefined) return null;
  if (!products.has(subject.product)) {
    const answer = await productOf(subject.product, signal).catch((error) => {
      if (error.name === 'AbortError') throw error;
      return null;  // The search says what is wrong.
    });
    if (!answer) return null;
    products.set(subject.product, answer.product);
  }
  return products.get(subject.product);
}

function present(answer, product) {
  notice('');
  byId('results-head').hidden = false;
  if (answer.missing?.length) notice(`Some of the catalogue cannot be asked now: ${answer.missing.join(', ')}`);
  shown = answer;
  const hasSubject = Boolean(state.subject);
  showSubject(state, product, act);
  showFacets(state, answer.facets, act);
  grid.show(answer.hits, answer.complements, {scores: hasSubject, examples: hasSubject});
  count(answer);
  document.title = product ? `${titleOf(product)} – Vitrine` : hasSubject ? 'Your picture – Vitrine' : 'Vitrine';
  if (!hasSubject && byId('hero-tiles').childElementCount === 0) {
    byId('hero-tiles').replaceChildren(...answer.hits.slice(0, 5).map((hit) =>
      picture({src: imageUrl(hit.product_id, hit.image), alt: '', width: '192', height: '256'})));
  }
}

function count(answer) {
  const {length} = answer.hits;
  byId('more').hidden = !answer.hasMore;
  byId('shuffle').hidden = Boolean(state.subject);
  byId('count').textContent = !state.subject ? '' : length === 1 ? '1 product' : `${countOf(length)} products`;
  if (length === 0) {
    notice('Nothing matches these filters.', [el('button', {type: 'button', class: 'button', onclick: () =>
      act((next) => {
        next.values.clear();
        next.ranges.clear();
      })}, 'Clear the filters')], true);
  }
}

function settle({scroll, focus, top}) {
  if (scroll !== undefined) window.scrollTo({top: scroll, behavior: 'instant'});
  // What stands above the card may be higher than it was, or not all there yet.
  const moved = grid.topOf(focus) - top;
  if (moved) window.scrollBy({top: moved, behavior: 'instant'});
  if (focus !== undefined) grid.focus(focus);
  else if (scroll === 0 && document.activeElement === document.body) byId('results').focus({preventScroll: true});
}

byId('more').addEventListener('click', async (event) => {
  const button = event.currentTarget;
  const answer = shown;
  const before = answer.hits.length;
  button.disabled = true;
  try {
    await moreOf(answer, running.signal);
    if (answer === shown) {
      grid.add(answer.hits.slice(before));
      count(answer);
    }
  } catch (error) {
    if (error.name !== 'AbortError') toast(error.message);
  }
  button.disabled = false;
});

// ---- Pictures

async function take(file) {
  if (!file) return;
  try {
    const number = await takePicture(file);
    const next = emptyState();
    next.subject = {picture: number};
    next.emphasis = new Map(state.emphasis);
    navigate(next);
  } catch (error) {
    toast(error.message);
  }
}

for (const id of ['choose', 'choose-hero']) {
  byId(id).addEventListener('change', (event) => {
    take(event.target.files[0]);
    event.target.value = '';
  });
}
window.addEventListener('paste', (event) => {
  const file = pictureIn(event.clipboardData?.items);
  if (file) take(file);
});
let depth = 0;
const bringsFiles = (event) => [...(event.dataTransfer?.types || [])].includes('Files');
for (const [name, change] of [['dragenter', 1], ['dragleave', -1]]) {
  window.addEventListener(name, (event) => {
    if (!bringsFiles(event)) return;
    depth = Math.max(0, depth + change);
    byId('drop').hidden = depth === 0;
  });
}
window.addEventListener('dragover', (event) => event.preventDefault());
window.addEventListener('drop', (event) => {
  event.preventDefault();
  depth = 0;
  byId('drop').hidden = true;
  const file = pictureIn(event.dataTransfer.items) || [...event.dataTransfer.files][0];
  if (file) take(file);
  else if (bringsFiles(event)) toast('That is no picture.');
});

// ---- The bar, and keys

byId('home').addEventListener('click', (event) => {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  navigate(emptyState());
});
byId('by-id').addEventListener('submit', (event) => {
  event.preventDefault();
  const product = byId('id-field').value.trim();
  if (!product) return;
  byId('id-field').value = '';
  byId('id-field').blur();
  navigate({...emptyState(), subject: {product}});
});
byId('shuffle').addEventListener('click', () => act((next) => {
  next.seed = 1 + Math.floor(Math.random() * 1e6);
}));
byId('keys').addEventListener('click', () => byId('keys-dialog').showModal());
byId('refine-open').addEventListener('click', () => openSheet(true));
byId('refine-close').addEventListener('click', () => {
  openSheet(false);
  byId('refine-open').focus();
});

const SHORTCUTS = {
  '/': () => byId('id-field').focus(),
  o: () => byId('choose').click(),
  b: () => byId('box-surface')?.focus(),
  f: () => {
    if (getComputedStyle(byId('refine-open')).display !== 'none') openSheet(true);
    byId('facets').querySelector('input')?.focus();
  },
  g: () => grid.focus(),
  '?': () => byId('keys-dialog').showModal(),
  Backspace: () => history.back(),
  ArrowDown: (event) => document.activeElement === document.body || event.target.id === 'results' ? grid.focus() : false,
};

window.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && byId('refine').classList.contains('open')) {
    openSheet(false);
    byId('refine-open').focus();
    return;
  }
  const typing = event.target.closest('input:not([type=checkbox]):not([type=file]), textarea, dialog');
  if (typing || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
  const shortcut = SHORTCUTS[event.key];
  if (shortcut && shortcut(event) !== false) event.preventDefault();
});

show();
