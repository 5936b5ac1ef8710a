// From a state to what the server is asked, and its answers kept for the way back.
import {ApiError, blobOf, get, post} from './api.js';
import {pictureOf, sendable} from './picture.js';
import {queryOf} from './state.js';
import {imageUrl} from './text.js';

export const PAGE = 100;
const MOST_HITS = 1000;
const MOST_FACETS = 16;
const SHOWN_VALUES = 60;
const FEW_NUMBERS = 12;
const KEPT_ANSWERS = 40;
const FRESH_MS = 5 * 60 * 1000;
const TRIED_AGAIN = ['WRONG_MODEL', 'WRONG_DIMENSION'];

let description = null;
const embedded = new Map();  // what was embedded -> {vector, model, sha256}
const answers = new Map();   // address -> {at, answer}

export async function describe(signal) {
  description ??= await get('describe', {}, signal);
  return description;
}
export const described = () => description;

// A restarted server may serve another index.
export function forget() {
  description = null;
  embedded.clear();
  answers.clear();
}

// ---- Filters

function conditionsOf(state) {
  const conditions = new Map();
  for (const [attribute, values] of state.values) {
    conditions.set(attribute, {condition: {attribute, any_of: {values}}});
  }
  for (const [attribute, {min, max}] of state.ranges) {
    const range = {};
    if (min !== null) range.min = min;
    if (max !== null) range.max = max;
    conditions.set(attribute, {condition: {attribute, range}});
  }
  return conditions;
}

function filterOf(conditions, without) {
  const filters = [...conditions].filter(([name]) => name !== without).map(([, filter]) => filter);
  return filters.length ? {all: {filters}} : undefined;
}

// Category, then what has values that can be counted: the most told first.
function facetNames(about) {
  const told = about.attributes
    .filter(({type}) => type !== 'ATTRIBUTE_TYPE_MIXED')
    .sort((a, b) => Number(b.products) - Number(a.products) || a.name.localeCompare(b.name))
    .map(({name}) => name);
  return (about.categories.length ? ['category'] : []).concat(told).slice(0, MOST_FACETS);
}

// A facet as the panel shows it; null where there is nothing to choose.
function shownFacet(facet, about, state) {
  const type = about.attributes.find(({name}) => name === facet.attribute)?.type;
  const counts = facet.counts.map(({value, count}) => ({value, count: Number(count)}));
  const many = counts.length > FEW_NUMBERS || Number(facet.others) > 0;
  if (type === 'ATTRIBUTE_TYPE_NUMBER' && (many || facet.attribute === 'price')) {
    const numbers = many ? [] : counts.map(({value}) => Number(value));
    return {attribute: facet.attribute, kind: 'range', numbers};
  }
  for (const value of state.values.get(facet.attribute) || []) {
    if (!counts.some((count) => count.value === value)) counts.push({value, count: 0});
  }
  const chosen = state.values.has(facet.attribute);
  const telling = counts.length > 1 && counts.some(({count}) => count > 1);
  // Titles and the like: a value a product.
  const unique = Number(facet.others) > counts.reduce((sum, {count}) => sum + count, 0) && counts[0].count < 3;
  return chosen || (telling && !unique) ? {attribute: facet.attribute, kind: 'values', counts} : null;
}

// ---- Examples

// The vector of a part of a picture, made once; emphasis and filters then cost no model.
async function embed(key, source, box, signal) {
  if (embedded.has(key)) return embedded.get(key);
  const {content, sha256} = await source();
  const image = {content};
  if (box) image.region = {x0: box[0], y0: box[1], x1: box[2], y1: box[3]};
  const response = await post('embed', {images: [image]}, signal);
  const [item] = response.items;
  if (item.error) throw new ApiError(400, item.error);
  const made = {vector: item.vector, model: response.model, sha256: box ? null : sha256};
  embedded.set(key, made);
  return made;
}

export class PictureGone extends Error {}

// {example, model, sha256, product} of what is asked for first.
async function subjectOf(state, signal) {
  const {subject, box} = state;
  if (subject.picture !== undefined) {
    const picture = pictureOf(subject.picture);
    if (!picture) throw new PictureGone('That picture was in another tab, or before a reload. Drop it again.');
    const made = await embed(`${subject.picture}|${box}`, async () => picture, box, signal);
    return {example: {vector: made.vector}, ...made};
  }
  if (!box) return {example: {product_id: subject.product}, product: subject.product};
  const key = JSON.stringify([subject.product, subject.image, box]);
  const thumbnail = async () => sendable(await blobOf(imageUrl(subject.product, subject.image), signal));
  const made = await embed(key, thumbnail, box, signal);
  return {example: {vector: made.vector}, ...made, boxed: subject.product};
}

// A small generator, so that an address shows the same products again.
function randomVector(dim, seed) {
  let a = (seed * 2654435761) >>> 0;
  const next = () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const values = [];
  for (let i = 0; i < dim; i++) values.push(next() + next() + next() - 1.5);
  return {values};
}

// Of each category one, then of each another: a spread, where alike ones would stand
// side by side.
function interleaved(hits) {
  const rounds = new Map();
  const turn = new Map();
  for (const hit of hits) {
    const round = turn.get(hit.category) ?? 0;
    turn.set(hit.category, round + 1);
    rounds.set(round, [...(rounds.get(round) || []), hit]);
  }
  return [...rounds.keys()].sort((a, b) => a - b).flatMap((round) => rounds.get(round));
}

// ---- Requests

async function searchRequest(state, about, signal) {
  const request = {k: PAGE, emphasis: [...state.emphasis].map(([block, emphasis]) => ({block, emphasis}))};
  if (!state.subject) {
    request.k = 48;
    request.examples = [{vector: randomVector(about.dim, state.seed)}];
    if (!state.values.has('category')) request.diversity = [{attribute: 'category', limit: 4}];
    return request;
  }
  const subject = await subjectOf(state, signal);
  request.examples = [subject.example];
  request.exclude_query_products = true;
  request.exclude_product_ids = subject.boxed ? [subject.boxed] : [];
  if (subject.model) request.required_model = subject.model;
  if (subject.sha256) request.content_sha256s = [subject.sha256];
  for (const {product, weight} of state.examples) request.examples.push({product_id: product, weight});
  return request;
}

// Counts of an attribute that is filtered are those without its own filter: what one
// could choose besides.
async function facetsOf(base, state, about, first, signal) {
  const conditions = conditionsOf(state);
  const counted = new Map(first.facets.map((facet) => [facet.attribute, facet]));
  await Promise.all([...conditions.keys()].map(async (attribute) => {
    if (!counted.has(attribute)) return;
    const request = {...base, k: 1, facets: [attribute], facet_values: SHOWN_VALUES,
      filter: filterOf(conditions, attribute), diversity: undefined};
    const response = await post('search', request, signal);
    counted.set(attribute, response.facets[0]);
  }));
  const facets = [...counted.values()].map((facet) => shownFacet(facet, about, state));
  return facets.filter((facet) => facet !== null);
}

async function complementsOf(state, signal) {
  if (!state.subject) return [];
  const conditions = conditionsOf(state);
  const request = {k_similar: 0, k_per_slot: 6, filter: filterOf(conditions, 'category')};
  const subject = await subjectOf(state, signal);
  if (subject.product !== undefined) {
    request.product_id = subject.product;
  } else {
    request.product = {vector: subject.vector, content_sha256s: subject.sha256 ? [subject.sha256] : []};
    request.required_model = subject.model;
  }
  if (subject.boxed) request.exclude_product_ids = [subject.boxed];
  const response = await post('recommend', request, signal);
  return response.complements.filter(({hits}) => hits.length > 0);
}

async function ask(state, signal) {
  const about = await describe(signal);
  const base = await searchRequest(state, about, signal);
  const request = {...base, filter: filterOf(conditionsOf(state)), facets: facetNames(about),
    facet_values: SHOWN_VALUES};
  const complements = complementsOf(state, signal);
  complements.catch(() => {});  // It is awaited below.
  const response = await post('search', request, signal);
  const answer = {
    hits: state.subject ? response.hits : interleaved(response.hits),
    request,
    hasMore: response.hits.length === request.k && Boolean(state.subject),
    facets: await facetsOf(base, state, about, response, signal),
    missing: response.missing,
    complements: [],
  };
  try {
    answer.complements = await complements;
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    // Similar products stand without it.
  }
  return answer;
}

// The answer if it is known already.
export function known(state) {
  const kept = answers.get(queryOf(state));
  return kept && Date.now() - kept.at < FRESH_MS ? kept.answer : null;
}

export async function answerTo(state, signal) {
  const kept = known(state);
  if (kept) return kept;
  const answer = await fresh(state, signal);
  answers.set(queryOf(state), {at: Date.now(), answer});
  if (answers.size > KEPT_ANSWERS) answers.delete(answers.keys().next().value);
  return answer;
}

async function fresh(state, signal) {
  try {
    return await ask(state, signal);
  } catch (error) {
    if (!TRIED_AGAIN.includes(error.reason)) throw error;
    forget();
    return ask(state, signal);
  }
}

// The next hits, added to the answer.
export async function moreOf(answer, signal) {
  const offset = answer.hits.length;
  const k = Math.min(PAGE, MOST_HITS - offset);
  const request = {...answer.request, k, offset, facets: []};
  const response = await post('search', request, signal);
  answer.hits.push(...response.hits);
  answer.hasMore = response.hits.length === k && answer.hits.length < MOST_HITS;
}

export const productOf = (id, signal) => get('product', {id}, signal);
