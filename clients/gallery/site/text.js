// Numbers and names as people read them.

// 100 % is for the very content that was asked for, as the command has it.
export function percentOf(hit) {
  if (hit.same_content && hit.score >= 0.995) return '100 %';
  const percent = Math.min(99.9, Math.max(0, (hit.score || 0) * 100));
  return `${percent.toFixed(1)} %`;
}

export function countOf(number) {
  return Number(number).toLocaleString('en');
}

// "baseColour" as "Base colour".
export function labelOf(name) {
  const words = name.replace(/[_-]+/g, ' ').replace(/([a-z])([A-Z])/g, '$1 $2').trim().toLowerCase();
  return words ? words[0].toUpperCase() + words.slice(1) : name;
}

// An AttributeValue as text; empty where it has none.
export function valueText(value) {
  if (!value) return '';
  if (value.text !== undefined) return value.text;
  if (value.number !== undefined) return String(value.number);
  if (value.flag !== undefined) return value.flag ? 'yes' : 'no';
  if (value.list !== undefined) return (value.list.values || []).join(', ');
  return '';
}

// Text of attribute `price`, with `currency` where that is a code of three letters.
export function priceOf(attributes) {
  const price = attributes && attributes.price;
  if (!price) return '';
  if (price.number === undefined) return valueText(price);
  const currency = valueText(attributes.currency);
  if (/^[A-Z]{3}$/.test(currency)) {
    return new Intl.NumberFormat('en', {style: 'currency', currency}).format(price.number);
  }
  return price.number.toLocaleString('en', {minimumFractionDigits: 2, maximumFractionDigits: 2});
}

export function titleOf(product) {
  return product.title || product.product_id;
}

export function imageUrl(productId, key) {
  const query = new URLSearchParams({id: productId});
  if (key) query.set('key', key);
  return `/api/image?${query}`;
}

// A message of the server as a sentence.
export function sentenceOf(message) {
  const text = message.trim();
  return text && text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');
}
