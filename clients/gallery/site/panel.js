// What is looked for: the picture and its box, further examples, sliders, filters.
import {BoxEditor} from './box.js';
import {byId, copyText, debounced, el, icon, picture, toast} from './dom.js';
import {pictureOf} from './picture.js';
import {refinements} from './state.js';
import {countOf, imageUrl, labelOf, priceOf, titleOf, valueText} from './text.js';

const OPEN_VALUES = 8;
const SLIDER_MOST = 3;
const WEIGHT_STEP = 0.25;
const SHOWN_ATTRIBUTES = 8;

// ---- The picture

let subjectKey = '';

function factsOf(product) {
  const rows = Object.entries(product.attributes)
    .filter(([name, value]) => name !== 'price' && name !== 'currency' && valueText(value))
    .sort(([a], [b]) => a.localeCompare(b))
    .slice(0, SHOWN_ATTRIBUTES)
    .map(([name, value]) => el('div', {}, el('dt', {}, labelOf(name)), el('dd', {}, valueText(value))));
  return rows.length ? el('details', {class: 'facts'}, el('summary', {}, 'Details'), el('dl', {}, ...rows)) : '';
}

function otherPictures(product, state, act) {
  if (product.images.length < 2) return null;
  const shown = state.subject.image || product.images[0].key;
  return el('div', {class: 'others'}, ...product.images.slice(0, 8).map(({key}, index) =>
    el('button', {type: 'button', 'aria-label': `Picture ${index + 1}`, 'aria-pressed': String(key === shown),
      onclick: () => act((next) => {
        next.subject.image = key;
        next.box = null;
      })},
    picture({src: imageUrl(product.product_id, key), alt: ''}))));
}

// `product` is what the server says of the state's product; null for pictures, and
// until it is known. `act` changes the state: act((next) => {...}, {replace}).
export function showSubject(state, product, act) {
  const root = byId('subject');
  const {subject} = state;
  const key = JSON.stringify([subject, product?.product_id]);
  const own = pictureOf(subject?.picture);
  root.hidden = subject?.product === undefined && !own;
  if (root.hidden) {
    subjectKey = '';
    return root.replaceChildren();
  }
  if (key === subjectKey) {
    // Only the box may have changed, by this very editor or by a way back.
    const {editor} = root;
    if (editor && String(editor.box) !== String(state.box) && !editor.hand) {
      editor.box = state.box;
      editor.draw();
    }
    root.classList.toggle('boxed', Boolean(state.box));
    return null;
  }
  subjectKey = key;
  const image = picture({class: 'subject-image', draggable: 'false',
    src: own ? own.url : imageUrl(subject.product ?? '', subject.image),
    alt: own ? own.name : product ? titleOf(product) : ''}, (gone) => gone.classList.add('gone'));
  const rest = debounced((box) => act((next) => {
    next.box = box;
  }, {replace: Boolean(state.box) && Boolean(box), sameSubject: subject}), 250);
  const editor = new BoxEditor(image, state.box, rest);
  root.editor = editor;
  const text = el('div', {class: 'subject-text'});
  if (own) {
    text.append(el('p', {class: 'kind'}, 'Your picture'), el('h2', {class: 'subject-title'}, own.name));
  } else if (product) {
    const price = priceOf(product.attributes);
    text.append(el('p', {class: 'kind'}, product.category || 'Product'),
      el('h2', {class: 'subject-title'}, titleOf(product)),
      price ? el('p', {class: 'subject-price'}, price) : '',
      el('button', {type: 'button', class: 'quiet id', title: 'Copy the id', onclick: async () => {
        await copyText(product.product_id);
        toast('The id is copied');
      }}, icon('copy'), el('span', {}, product.product_id)),
      otherPictures(product, state, act) || '', factsOf(product));
  }
  text.append(el('p', {class: 'hint'}, 'Draw a box around what counts.'),
    el('button', {type: 'button', class: 'quiet clear-box', onclick: () => editor.set(null)}, 'Remove the box'));
  root.replaceChildren(editor.element, text);
  root.classList.toggle('boxed', Boolean(state.box));
  return editor;
}

// ---- Further examples

export function showExamples(state, act) {
  const root = byId('examples');
  root.hidden = state.examples.length === 0;
  root.replaceChildren(...state.examples.map(({product, weight}, index) => {
    const less = weight < 0;
    const change = (step) => act((next) => {
      const size = Math.min(2, Math.max(WEIGHT_STEP, Math.abs(weight) + step));
      next.examples[index].weight = less ? -size : size;
    }, {replace: true});
    const sense = less ? 'Less like' : 'More like';
    return el('div', {class: less ? 'chip less' : 'chip', role: 'group', 'aria-label': `${sense} ${product}`},
      picture({src: imageUrl(product), alt: ''}),
      el('span', {class: 'chip-text'}, sense),
      el('button', {type: 'button', 'aria-label': 'Count it less', onclick: () => change(-WEIGHT_STEP)}, icon('minus')),
      el('output', {class: 'weight'}, `×${Math.abs(weight)}`),
      el('button', {type: 'button', 'aria-label': 'Count it more', onclick: () => change(WEIGHT_STEP)}, icon('plus')),
      el('button', {type: 'button', class: 'remove', 'aria-label': 'Remove this example',
        onclick: () => act((next) => next.examples.splice(index, 1))}, icon('close')));
  }));
}

// ---- Sliders

export function showSliders(state, blocks, act) {
  const root = byId('sliders');
  root.hidden = blocks.length < 2 || !state.subject;
  const told = blocks.map(({name}) => name).join();
  if (root.dataset.blocks !== told) {
    root.dataset.blocks = told;
    root.replaceChildren(...blocks.map(({name}) => {
      const shown = el('output', {class: 'factor'});
      const slider = el('input', {type: 'range', min: '0', max: String(SLIDER_MOST), step: '0.1', id: `slider-${name}`,
        data: {block: name}});
      const rest = debounced(() => root.act(name, Number(slider.value)), 120);
      slider.addEventListener('input', () => {
        paint(slider, shown);
        rest();
      });
      return el('div', {class: 'slider'}, el('label', {for: `slider-${name}`}, labelOf(name)), shown, slider);
    }));
  }
  root.act = (name, value) => act((next) => {
    if (value === 1) next.emphasis.delete(name);
    else next.emphasis.set(name, value);
  }, {replace: true});
  for (const slider of root.querySelectorAll('input')) {
    if (slider !== document.activeElement) slider.value = state.emphasis.get(slider.dataset.block) ?? 1;
    paint(slider, slider.previousSibling);
  }
}

function paint(slider, shown) {
  const value = Number(slider.value);
  shown.textContent = value === 0 ? 'off' : `×${value}`;
  slider.setAttribute('aria-valuetext', value === 0 ? 'left out' : `times ${value}`);
  slider.style.setProperty('--at', `${(value / SLIDER_MOST) * 100}%`);
}

// ---- Filters

const opened = new Set();

function valueRow(attribute, {value, count}, checked, act) {
  const box = el('input', {type: 'checkbox', data: {attribute, value}, onchange: () => act((next) => {
    const values = next.values.get(attribute) || [];
    const rest = box.checked ? [...values, value] : values.filter((one) => one !== value);
    if (rest.length) next.values.set(attribute, rest);
    else next.values.delete(attribute);
  })});
  box.checked = checked;
  return el('label', {class: 'value'}, box, el('span', {class: 'value-name'}, value || '(none)'),
    el('span', {class: 'value-count'}, countOf(count)));
}

function valuesFacet(facet, state, act, again) {
  const chosen = state.values.get(facet.attribute) || [];
  const isOpen = opened.has(facet.attribute);
  const rows = facet.counts.filter(({value}, index) => isOpen || index < OPEN_VALUES || chosen.includes(value));
  const list = el('fieldset', {class: 'facet', data: {attribute: facet.attribute}},
    el('legend', {}, labelOf(facet.attribute)),
    ...rows.map((count) => valueRow(facet.attribute, count, chosen.includes(count.value), act)));
  if (facet.counts.length > OPEN_VALUES) {
    list.append(el('button', {type: 'button', class: 'quiet', 'aria-expanded': String(isOpen), onclick: () => {
      if (isOpen) opened.delete(facet.attribute);
      else opened.add(facet.attribute);
      again();
    }}, isOpen ? 'Show fewer' : `Show all ${facet.counts.length}`));
  }
  return list;
}

function rangeFacet({attribute}, state, act) {
  const {min, max} = state.ranges.get(attribute) || {min: null, max: null};
  const field = (end, value) => el('input', {type: 'number', inputmode: 'decimal', step: 'any',
    placeholder: end === 'min' ? 'from' : 'to', value: value ?? '', data: {attribute, end},
    'aria-label': `${labelOf(attribute)} ${end === 'min' ? 'from' : 'to'}`,
    onchange: (event) => act((next) => {
      const range = {min: null, max: null, ...next.ranges.get(attribute)};
      range[end] = event.target.value === '' ? null : Number(event.target.value);
      if (range.min !== null && range.max !== null && range.min > range.max) {
        range[end === 'min' ? 'max' : 'min'] = range[end];
      }
      if (range.min === null && range.max === null) next.ranges.delete(attribute);
      else next.ranges.set(attribute, range);
    })});
  return el('fieldset', {class: 'facet', data: {attribute}}, el('legend', {}, labelOf(attribute)),
    el('div', {class: 'range'}, field('min', min), el('span', {'aria-hidden': 'true'}, '–'), field('max', max)));
}

export function showFacets(state, facets, act) {
  const root = byId('facets');
  const focused = document.activeElement?.closest('#facets') && document.activeElement.dataset;
  const again = () => showFacets(state, facets, act);
  const clear = el('button', {type: 'button', class: 'quiet', onclick: () => act((next) => {
    next.values.clear();
    next.ranges.clear();
  })}, 'Clear');
  clear.hidden = state.values.size + state.ranges.size === 0;
  root.replaceChildren(el('div', {class: 'facets-head'}, el('h3', {}, 'Filters'), clear),
    ...facets.map((facet) => (facet.kind === 'range' ? rangeFacet(facet, state, act)
      : valuesFacet(facet, state, act, again))));
  if (focused?.attribute) {
    const same = [...root.querySelectorAll('input')].find(({dataset}) => dataset.attribute === focused.attribute &&
      dataset.value === focused.value && dataset.end === focused.end);
    same?.focus({preventScroll: true});
  }
  const count = refinements(state);
  byId('refine-open').textContent = count ? `Refine (${count})` : 'Refine';
}

// The categories above the start, as one row.
export function showCategories(state, categories, act) {
  const root = byId('categories');
  root.hidden = Boolean(state.subject) || categories.length < 2;
  if (root.hidden) return;
  const chosen = state.values.get('category') || [];
  root.replaceChildren(...categories.slice(0, 24).map(({category}) => el('button',
    {type: 'button', class: 'pill', 'aria-pressed': String(chosen.includes(category)), onclick: () => act((next) => {
      if (chosen.includes(category)) next.values.delete('category');
      else next.values.set('category', [category]);
    })}, category || 'No category')));
}

// ---- On a phone, sliders and filters are a sheet.

export function openSheet(open) {
  const sheet = byId('refine');
  sheet.classList.toggle('open', open);
  document.body.classList.toggle('sheet-open', open);
  byId('refine-open').setAttribute('aria-expanded', String(open));
  byId('results').inert = open;
  if (open) {
    sheet.setAttribute('role', 'dialog');
    sheet.setAttribute('aria-modal', 'true');
    byId('refine-close').focus();
  } else {
    sheet.removeAttribute('role');
    sheet.removeAttribute('aria-modal');
  }
}
