// What is looked for, and how an address says it: a link shows the same to others,
// but for pictures that were dropped, which are in this tab alone.

export function emptyState() {
  return {
    subject: null,        // {product: id, image: key} or {picture: number}
    box: null,            // [x0, y0, x1, y1] in shares of the picture
    examples: [],         // {product: id, weight}, a negative one for less like it
    emphasis: new Map(),  // block -> factor, where it is not 1
    values: new Map(),    // attribute -> array of values, any of which matches
    ranges: new Map(),    // attribute -> {min, max}, either may be null
    seed: 1,              // which products the start shows
  };
}

export function copyOf(state) {
  return {
    ...state,
    examples: state.examples.map((example) => ({...example})),
    emphasis: new Map(state.emphasis),
    values: new Map([...state.values].map(([name, values]) => [name, [...values]])),
    ranges: new Map(state.ranges),
  };
}

const trimmed = (number) => String(Math.round(number * 1e4) / 1e4);
const numberOf = (text) => {
  const number = Number(text);
  return text !== '' && Number.isFinite(number) ? number : null;
};

// "number:anything" and "name:anything", names without ":".
function cut(text) {
  const colon = text.indexOf(':');
  return colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
}

export function queryOf(state) {
  const query = new URLSearchParams();
  if (state.subject?.product !== undefined) query.set('like', state.subject.product);
  if (state.subject?.image) query.set('image', state.subject.image);
  if (state.subject?.picture !== undefined) query.set('picture', state.subject.picture);
  if (state.box) query.set('box', state.box.map(trimmed).join(','));
  for (const {product, weight} of state.examples) {
    query.append(weight < 0 ? 'minus' : 'plus', `${trimmed(Math.abs(weight))}:${product}`);
  }
  for (const [block, factor] of state.emphasis) query.append('weigh', `${trimmed(factor)}:${block}`);
  for (const [name, values] of state.values) {
    for (const value of values) query.append('is', `${encodeURIComponent(name)}:${value}`);
  }
  for (const [name, {min, max}] of state.ranges) {
    query.append('range', `${encodeURIComponent(name)}:${min ?? ''}..${max ?? ''}`);
  }
  if (!state.subject && state.seed !== 1) query.set('seed', state.seed);
  const text = query.toString();
  return text ? `/?${text}` : '/';
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function boxOf(text) {
  const box = (text || '').split(',').map(Number);
  const fits = box.length === 4 && box.every((x) => x >= 0 && x <= 1) && box[0] < box[2] && box[1] < box[3];
  return fits ? box : null;
}

export function stateOf(search) {
  const query = new URLSearchParams(search);
  const state = emptyState();
  if (query.has('like')) {
    state.subject = {product: query.get('like')};
    if (query.get('image')) state.subject.image = query.get('image');
  } else if (query.has('picture')) {
    state.subject = {picture: numberOf(query.get('picture')) ?? 0};
  }
  state.box = boxOf(query.get('box'));
  for (const [name, sign] of [['plus', 1], ['minus', -1]]) {
    for (const text of query.getAll(name)) {
      const [weight, product] = cut(text);
      const size = numberOf(weight);
      if (product && size > 0) state.examples.push({product, weight: sign * Math.min(size, 4)});
    }
  }
  for (const text of query.getAll('weigh')) {
    const [factor, block] = cut(text);
    const number = numberOf(factor);
    if (block && number !== null && number >= 0) state.emphasis.set(block, Math.min(number, 10));
  }
  for (const text of query.getAll('is')) {
    const [name, value] = cut(text);
    const values = state.values.get(decoded(name)) || [];
    if (name && !values.includes(value)) state.values.set(decoded(name), [...values, value]);
  }
  for (const text of query.getAll('range')) {
    const [name, ends] = cut(text);
    const [min, max] = ends.split('..').map((end) => numberOf(end));
    if (name && (min !== null || (max ?? null) !== null)) {
      state.ranges.set(decoded(name), {min, max: max ?? null});
    }
  }
  state.seed = numberOf(query.get('seed') || '1') ?? 1;
  return state;
}

// What is counted on the button that opens the filters.
export function refinements(state) {
  let count = state.ranges.size + state.emphasis.size;
  for (const values of state.values.values()) count += values.length;
  return count;
}
