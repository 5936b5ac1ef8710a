// The gallery in headless Chromium, as people use it: ./dev test runs it, and keeps
// screenshots in build/gallery-test. `node browser_test.mjs NAME` runs the tests whose
// name has that in it.
import {createRequire} from 'node:module';
import path from 'node:path';

import {after, cards, check, drawBox, drop, ids, openPage, PHONE, query, same, settled, shot} from './steps.mjs';
import {eventually, HOSTILE_ID, HOSTILE_TITLE, out, photo, World} from './world.mjs';

const {chromium} = createRequire(path.join(out, 'package.json'))('playwright-core');
// Of the page's thread, so that a busy machine changes nothing; a frame has 16.7.
const MOST_CPU_MS_A_FRAME = 12;
const MOST_LAYOUTS_A_FRAME = 3;

const world = new World();
const tests = [];
const test = (name, body) => tests.push({name, body});
let browser;
const open = (query = '', options, prepare) => openPage(browser, `${world.url}/${query}`, options, prepare);

test('the start shows a spread of products', async () => {
  const page = await open();
  same(await cards(page).count(), 48, 'products at the start');
  const categories = await page.locator('.category').allTextContents();
  check(new Set(categories).size >= 8, `of many categories: ${[...new Set(categories)]}`);
  await shot(page, 'start');
  await page.getByRole('button', {name: 'Show others'}).click();
  await eventually('others', () => query(page).has('seed'));
  await settled(page);
  return page;
});

test('drop, box, result, back, filter', async () => {
  const page = await open();
  await drop(page, photo(30));
  await eventually('the picture in the address', () => query(page).has('picture'));
  const number = query(page).get('picture');
  await settled(page);
  same(await page.locator('.percent').first().textContent(), '100 %', 'the score of the very picture');
  same((await ids(page))[0], '30', 'the first product');
  same(await cards(page).count(), 100, 'results');
  const whole = await ids(page);

  await after(page, () => drawBox(page, [0.3, 0.3, 0.7, 0.6]), () => query(page).has('box'));
  const boxed = await ids(page);
  check(String(boxed) !== String(whole), 'a box changes the answer');
  await shot(page, 'box');
  // Arrow keys move it, Escape takes it away.
  const before = query(page).get('box');
  await after(page, () => page.keyboard.press('ArrowRight'), () => query(page).get('box') !== before);
  await after(page, () => page.keyboard.press('Escape'), () => !query(page).has('box'));
  same(await ids(page), whole, 'the answer without the box');
  await after(page, () => page.goBack(), () => query(page).has('box'));

  const low = cards(page).nth(21);
  await low.scrollIntoViewIfNeeded();
  await low.hover();
  const clicked = await low.getAttribute('data-id');
  // Where the card is on the screen at a click, which may scroll first.
  await page.evaluate((id) => addEventListener('click', () => {
    window.leftAt = {scroll: window.scrollY, top: document.querySelector(`[data-id="${id}"]`).getBoundingClientRect().top};
  }, {capture: true, once: true}), clicked);
  await after(page, () => low.locator('.card-link').click(), () => query(page).get('like') === clicked);
  const place = await page.evaluate(() => window.leftAt);
  check(place.scroll > 300, `far down: ${place.scroll}`);
  same(await page.evaluate(() => window.scrollY), 0, 'a product begins at the top');
  check(!(await ids(page)).includes(clicked), 'the product itself is not among the similar ones');
  await page.evaluate(() => window.scrollTo(0, 0));
  await shot(page, 'result');

  await after(page, () => page.goBack(), () => query(page).get('picture') === number);
  const back = await page.evaluate((id) => document.querySelector(`[data-id="${id}"]`).getBoundingClientRect().top, clicked);
  check(Math.abs(back - place.top) < 60, `back to where one was: the card is at ${back}, not ${place.top}`);
  same(await page.evaluate(() => document.activeElement.closest('.card')?.dataset.id), clicked, 'focus after back');

  const facet = page.locator('#facets fieldset[data-attribute=category]');
  const row = facet.locator('label').nth(1);
  const category = await row.locator('.value-name').textContent();
  const told = Number(await row.locator('.value-count').textContent());
  await after(page, () => row.click(), () => query(page).getAll('is').length === 1);
  const shown = await page.locator('#grid .grid .category').allTextContents();
  check(shown.length > 0 && shown.every((one) => one === category), `all are ${category}: ${new Set(shown)}`);
  same(shown.length, told, 'as many as the filter has told');
  // Other values are still to be had.
  check(await facet.locator('label').count() > 3, 'other categories can be chosen besides');
  await after(page, () => facet.locator('label').nth(2).click(), () => query(page).getAll('is').length === 2);
  check(new Set(await page.locator('#grid .grid .category').allTextContents()).size === 2, 'two categories');
  await page.evaluate(() => window.scrollTo(0, 0));
  await shot(page, 'filter');
  return page;
});

test('a box stays with its picture, whatever is dropped after a reload', async () => {
  const page = await open();
  await drop(page, photo(30));
  await eventually('the picture', () => query(page).has('picture'));
  await settled(page);
  await after(page, () => drawBox(page, [0.3, 0.3, 0.7, 0.6]), () => query(page).has('box'));
  const boxed = page.url();
  await page.reload();
  await settled(page);
  const gone = async () => (await page.locator('#notice').textContent()).includes('Drop it again');
  check(await gone(), 'the picture is told to be gone');
  await after(page, () => drop(page, photo(41)), () => query(page).has('picture') && page.url() !== boxed);
  same((await ids(page))[0], '41', 'the first product of the other picture');
  await after(page, () => page.goBack(), () => page.url() === boxed);
  check(await gone(), 'the box is not drawn on the other picture');
  same(await cards(page).count(), 0, 'products of another picture');
  return page;
});

test('an address shows the same to others', async () => {
  const page = await open(`?like=30&plus=1%3A31&minus=0.5%3A7&weigh=2%3Acolour&range=price%3A20..120`);
  const first = await ids(page);
  check(first.length > 10, 'results');
  const prices = await page.locator('#grid .grid .price').allTextContents();
  check(prices.every((price) => Number(price.slice(1)) >= 20 && Number(price.slice(1)) <= 120), `prices: ${prices}`);
  same(await page.locator('.chip').count(), 2, 'examples');
  await page.reload();
  await settled(page);
  same(await ids(page), first, 'after a reload');
  const field = page.locator('.range input[data-end=max][data-attribute=price]');
  await after(page, async () => {
    await field.fill('60');
    await field.press('Enter');
  }, () => query(page).get('range') === 'price:20..60');
  check((await ids(page)).length < first.length, 'fewer at a lower price');
  return page;
});

test('plus and minus', async () => {
  const page = await open('?like=2');
  const first = await ids(page);
  check(await page.locator('.shelf .slot').count() >= 2, 'complements of several slots');
  check(!(await page.locator('.shelf .category').allTextContents()).includes('Shirts'), 'of other categories');
  await page.locator('.shelf').scrollIntoViewIfNeeded();
  await shot(page, 'shelf');
  const card = cards(page).nth(3);
  await card.hover();
  await after(page, () => card.locator('[data-act=plus]').click(), () => query(page).has('plus'));
  await after(page, () => cards(page).nth(5).locator('[data-act=minus]').click({force: true}),
    () => query(page).has('minus'));
  same(await page.locator('.chip-text').allTextContents(), ['More like', 'Less like'], 'chips');
  check(String(await ids(page)) !== String(first), 'examples change the answer');
  await after(page, () => page.locator('.chip').first().getByLabel('Count it more').click(),
    () => query(page).get('plus').startsWith('1.25:'));
  await shot(page, 'examples');
  for (let i = 0; i < 2; i++) {
    await after(page, () => page.locator('.chip .remove').first().click(),
      async () => await page.locator('.chip').count() === 1 - i);
  }
  same(await ids(page), first, 'without examples');
  return page;
});

test('sliders weigh shape and colour without the model', async () => {
  const page = await open();
  await drop(page, photo(41));
  await eventually('the picture', () => query(page).has('picture'));
  await settled(page);
  const first = await ids(page);
  const embeds = page.calls.filter((call) => call === '/api/embed').length;
  same(embeds, 1, 'calls of the model for the picture');
  const slider = page.getByRole('slider', {name: 'Colour'});
  await slider.focus();
  await after(page, () => slider.press('End'), () => query(page).get('weigh') === '3:colour');
  check(String(await ids(page)) !== String(first), 'colour alone changes the answer');
  same(page.calls.filter((call) => call === '/api/embed').length, embeds, 'calls of the model after a slider');
  await after(page, () => page.getByRole('slider', {name: 'Shape'}).press('Home'),
    () => query(page).getAll('weigh').length === 2);
  await shot(page, 'sliders');
  return page;
});

test('hostile titles are text', async () => {
  const page = await open(`?like=${HOSTILE_ID}`);
  same(await page.locator('.subject-title').textContent(), HOSTILE_TITLE, 'the title as text');
  same(await page.title(), `${HOSTILE_TITLE} – Vitrine`, 'the title of the page');
  await after(page, () => cards(page).first().locator('.card-link').click(),
    () => query(page).get('like') !== HOSTILE_ID);
  const card = page.locator(`.card[data-id="${HOSTILE_ID}"]`).first();
  same(await card.locator('.title').textContent(), HOSTILE_TITLE, 'the title of a card');
  same(await page.evaluate(() => document.querySelectorAll('.title *, .subject-title *, img[src=x]').length), 0,
    'elements made of titles');
  await card.scrollIntoViewIfNeeded();
  await shot(page, 'hostile');
  const policy = await page.evaluate(() => {
    try {
      document.createElement('div').innerHTML = '<b>x</b>';
      return 'taken';
    } catch {
      return 'refused';
    }
  });
  same(policy, 'refused', 'markup by script');
  page.troubles = page.troubles.filter((trouble) => !trouble.includes('TrustedHTML'));
  await page.goto(`${world.url}/?like=${encodeURIComponent('"><img src=x onerror=alert(3)>')}`);
  await settled(page);
  check((await page.locator('#notice').textContent()).includes('onerror=alert(3)'), 'the unknown id is told as text');
  page.troubles = page.troubles.filter((trouble) => !trouble.includes('404'));
  return page;
});

test('by keys alone', async () => {
  const page = await open();
  await page.keyboard.press('/');
  await page.keyboard.type('30');
  await after(page, () => page.keyboard.press('Enter'), () => query(page).get('like') === '30');
  const focused = () => page.evaluate(() => document.activeElement.closest('.card')?.dataset.id);
  const all = await ids(page);
  await page.keyboard.press('g');
  same(await focused(), all[0], 'g goes to the first product');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  same(await focused(), all[2], 'arrows walk');
  await page.keyboard.press('ArrowDown');
  const below = await focused();
  check(all.indexOf(below) > 3, `down is a row: ${below}`);
  await page.keyboard.press('ArrowUp');
  same(await focused(), all[2], 'and up again');
  await after(page, () => page.keyboard.press('+'), () => query(page).has('plus'));
  await page.keyboard.press('g');
  await page.keyboard.press('-');
  await eventually('less like it', () => query(page).has('minus'));
  await settled(page);
  await page.keyboard.press('g');
  const chosen = await focused();
  await after(page, () => page.keyboard.press('Enter'), () => query(page).get('like') === chosen);
  await after(page, () => page.keyboard.press('Backspace'), () => query(page).get('like') === '30');
  await page.keyboard.press('b');
  await after(page, () => page.keyboard.press('ArrowDown'), () => query(page).has('box'));
  await page.keyboard.press('?');
  check(await page.locator('#keys-dialog').isVisible(), 'the keys are told');
  await shot(page, 'keys');
  await page.keyboard.press('Escape');
  return page;
});

test('on a phone', async () => {
  const page = await open('', PHONE);
  await shot(page, 'phone-start');
  await page.locator('#choose').setInputFiles({name: 'p.jpg', mimeType: 'image/jpeg', buffer: photo(30)});
  await eventually('the picture', () => query(page).has('picture'));
  await settled(page);
  await shot(page, 'phone-results');
  const wide = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  same(await wide(), 0, 'pixels beyond the side');
  const small = await page.evaluate(() => [...document.querySelectorAll('button, .button, input:not(.unseen)')]
    .map((one) => [one.id || one.getAttribute('aria-label') || one.textContent, one.closest('label.value') ?
      one.closest('label.value').getBoundingClientRect() : one.getBoundingClientRect()])
    .filter(([, place]) => place.width > 0 && Math.min(place.width, place.height) < 43.5)
    .map(([name, place]) => `${name} ${place.width.toFixed()}x${place.height.toFixed()}`));
  same(small, [], 'targets below 44 px');
  const area = await page.locator('#box-surface').boundingBox();
  const touch = await page.context().newCDPSession(page);
  const at = (x, y) => [{x: area.x + x * area.width, y: area.y + y * area.height}];
  await touch.send('Input.dispatchTouchEvent', {type: 'touchStart', touchPoints: at(0.2, 0.2)});
  for (const x of [0.4, 0.6, 0.8]) {
    await touch.send('Input.dispatchTouchEvent', {type: 'touchMove', touchPoints: at(x, x)});
  }
  await touch.send('Input.dispatchTouchEvent', {type: 'touchEnd', touchPoints: []});
  await eventually('a box by finger', () => query(page).has('box'));
  await settled(page);
  await shot(page, 'phone-box');
  await page.locator('#refine-open').tap();
  await page.locator('#facets label').first().tap();
  await eventually('a filter', () => query(page).has('is'));
  await settled(page);
  await shot(page, 'phone-filters');
  await page.locator('#refine-close').tap();
  same(await page.locator('#refine-open').textContent(), 'Refine (1)', 'the count of filters');
  same(await wide(), 0, 'pixels beyond the side');
  return page;
});

test('in the dark', async () => {
  const page = await open('?like=30', {colorScheme: 'dark'});
  await shot(page, 'dark');
  await page.goto(world.url);
  await settled(page);
  await shot(page, 'dark-start');
  const phone = await open('?like=30', {...PHONE, colorScheme: 'dark'});
  await shot(phone, 'dark-phone');
  page.troubles.push(...phone.troubles);
  return page;
});

test('large and turned pictures are made small and upright', async () => {
  const page = await open();
  const jpeg = await page.evaluate(() => new Promise((resolve) => {
    const canvas = document.createElement('canvas');
    canvas.width = 4000;
    canvas.height = 2000;
    canvas.getContext('2d').fillRect(0, 0, 900, 900);
    canvas.toBlob(async (blob) => resolve([...new Uint8Array(await blob.arrayBuffer())]), 'image/jpeg');
  }));
  // EXIF, big-endian, with one entry: orientation 6, turned by a quarter.
  const exif = Buffer.from('ffe10022457869660000' + '4d4d002a00000008' + '0001' + '0112000300000001' + '00060000' +
    '00000000', 'hex');
  const turned = Buffer.concat([Buffer.from(jpeg.slice(0, 2)), exif, Buffer.from(jpeg.slice(2))]);
  const sent = page.waitForRequest((request) => request.url().endsWith('/api/embed'));
  await drop(page, turned);
  const {images} = JSON.parse((await sent).postData());
  const size = await page.evaluate(async (base64) => {
    const raw = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([raw]));
    return [bitmap.width, bitmap.height];
  }, images[0].content);
  same(size, [640, 1280], 'what is sent');
  await settled(page);
  // What is none.
  await drop(page, Buffer.from('hello'), 'a.txt', 'text/plain');
  const first = query(page).get('picture');
  await eventually('the word', async () => (await page.locator('#toast').textContent()).includes('no picture'));
  // Paste.
  await page.evaluate(async (bytes) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(bytes)], 'pasted.jpg', {type: 'image/jpeg'}));
    window.dispatchEvent(new ClipboardEvent('paste', {clipboardData: transfer}));
  }, [...photo(30)]);
  await eventually('the pasted picture', () => query(page).get('picture') !== first);
  await settled(page);
  same((await ids(page))[0], '30', 'what was pasted');
  return page;
});

test('a hundred results scroll smoothly', async () => {
  const page = await open('?like=30');
  same(await cards(page).count(), 100, 'results');
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable', {timeDomain: 'threadTicks'});
  const counters = async () => {
    const {metrics} = await devtools.send('Performance.getMetrics');
    return Object.fromEntries(metrics.map(({name, value}) => [name, value]));
  };
  const before = await counters();
  const {frames, p50, p95} = await page.evaluate(async () => {
    const frames = [];
    let last = performance.now();
    const end = document.documentElement.scrollHeight - innerHeight;
    for (let at = 0; at <= end; at += 60) {
      window.scrollTo({top: at, behavior: 'instant'});
      const now = await new Promise(requestAnimationFrame);
      frames.push(now - last);
      last = now;
    }
    frames.sort((a, b) => a - b);
    const at = (share) => frames[Math.floor(share * (frames.length - 1))];
    return {frames: frames.length, p50: at(0.5), p95: at(0.95)};
  });
  const later = await counters();
  const cpu = (1000 * (later.TaskDuration - before.TaskDuration)) / frames;
  const layouts = (later.LayoutCount - before.LayoutCount) / frames;
  console.log(`    ${frames} frames of a scroll over all: p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms; ` +
    `each ${cpu.toFixed(1)} ms of the page's thread and ${layouts.toFixed(1)} layouts`);
  check(frames > 30, 'there is something to scroll');
  check(cpu > 0 && cpu < MOST_CPU_MS_A_FRAME, `a frame takes less than ${MOST_CPU_MS_A_FRAME} ms of the thread`);
  check(layouts < MOST_LAYOUTS_A_FRAME, `a frame takes fewer than ${MOST_LAYOUTS_A_FRAME} layouts`);
  await eventually('pictures come as they are seen', () => page.evaluate(() =>
    [...document.images].filter((image) => image.complete).length > 90));
  await page.locator('#more').click();
  await eventually('all but the product itself', async () => await cards(page).count() === 149);
  same(new Set(await ids(page)).size, 149, 'each once');
  check(await page.locator('#more').isHidden(), 'there are no more');
  return page;
});

test('a server that is full or away is asked again', async () => {
  const page = await open();
  let refusals = 2;
  await page.route('**/api/search', (route) => (refusals-- > 0 ? route.fulfill({status: 429,
    contentType: 'application/json', body: JSON.stringify({error: {message: 'full', retry_after_ms: 20}})})
    : route.continue()));
  await after(page, () => page.goto(`${world.url}/?like=30`));
  same(await cards(page).count(), 100, 'results after refusals');
  await page.unroute('**/api/search');

  const address = world.serverAddress;
  await world.server.stop();
  await page.goto(`${world.url}/?like=31`);
  await settled(page);
  // At first it may be told that the server is ending.
  await eventually('that there is no server', async () =>
    (await page.locator('#notice').textContent()).includes(`o server at ${address}`));
  await shot(page, 'away');
  await world.startServer(address);
  await eventually('the products, without a hand', async () => await cards(page).count() === 100);
  page.troubles = page.troubles.filter((trouble) => !/ (429|503) /.test(trouble));
  return page;
});

test('a picture whose connection is lost comes again', async () => {
  const page = await open('', {}, async (context) => {
    const lost = new Set();
    await context.route('**/api/image*', (route) => {
      const url = route.request().url();
      if (lost.has(url)) return route.continue();
      lost.add(url);
      return route.abort('connectionreset');
    });
  });
  await eventually('the pictures in sight', () => page.evaluate(() => [...document.images].every((image) =>
    image.naturalWidth > 0 || image.getBoundingClientRect().top > innerHeight)));
  check(await page.evaluate(() => [...document.images].filter((image) => image.naturalWidth > 0).length) > 8, 'pictures');
  return page;
});

const chosen = tests.filter(({name}) => !process.argv[2] || name.includes(process.argv[2]));
const failed = [];
await world.start();
try {
  const sandbox = process.getuid() === 0 ? ['--no-sandbox'] : [];
  browser = await chromium.launch({executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: sandbox});
  for (const {name, body} of chosen) {
    const began = Date.now();
    try {
      const page = await body();
      same(page.troubles, [], 'errors and dialogs');
      same(await page.locator('.no-image, .gone').count(), 0, 'pictures that did not come');
      await page.context().close();
      console.log(`ok      ${name} (${Date.now() - began} ms)`);
    } catch (error) {
      failed.push(`${name}: ${error.message.split('\n')[0].slice(0, 200)}`);
      console.log(`FAILED  ${name}: ${error.stack}`);
      for (const context of browser.contexts()) {
        const [page] = context.pages();
        await page?.screenshot({path: path.join(out, 'failed.png')}).catch(() => {});
        await context.close();
      }
    }
  }
} finally {
  await browser?.close();
  await world.stop();
}
const passed = chosen.length - failed.length;
console.log([`${passed} passed, ${failed.length} failed`, ...failed].join('; '));
process.exit(failed.length === 0 ? 0 : 1);
