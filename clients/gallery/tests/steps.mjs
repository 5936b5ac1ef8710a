// What the browser's tests share: pages whose errors are counted, and a picture in the
// hand of whoever drops it.
import path from 'node:path';

import {eventually, out} from './world.mjs';

export const DESKTOP = {viewport: {width: 1280, height: 860}};
export const PHONE = {viewport: {width: 390, height: 844}, deviceScaleFactor: 2, isMobile: true, hasTouch: true};

export function check(holds, what) {
  if (!holds) throw new Error(what);
}
export function same(got, wanted, what) {
  check(JSON.stringify(got) === JSON.stringify(wanted),
    `${what}: ${JSON.stringify(got)} instead of ${JSON.stringify(wanted)}`);
}

// A page of its own; `troubles` gathers what must never be: errors and dialogs.
export async function openPage(browser, url, options = {}, prepare = undefined) {
  const context = await browser.newContext({...DESKTOP, ...options});
  await prepare?.(context);
  const page = await context.newPage();
  page.troubles = [];
  page.calls = [];
  page.on('console', (message) => {
    // A lost connection is made again, and what stays missing is counted at the end.
    const lost = message.text().startsWith('Failed to load resource: net::');
    if (message.type() === 'error' && !lost) page.troubles.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => page.troubles.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    page.troubles.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on('request', (request) => {
    const {pathname} = new URL(request.url());
    if (pathname.startsWith('/api/') && pathname !== '/api/image') page.calls.push(pathname);
  });
  await page.goto(url);
  await settled(page);
  return page;
}

// Nothing is awaited, and something is shown.
export async function settled(page) {
  await eventually('the products', () => page.evaluate(() =>
    document.getElementById('grid').getAttribute('aria-busy') === 'false' &&
    !document.body.classList.contains('busy') &&
    (document.querySelectorAll('.card:not(.ghost)').length > 0 || !document.getElementById('notice').hidden)));
}

export async function shot(page, name) {
  await eventually('pictures in sight', () => page.evaluate(() => [...document.images].every((image) => {
    const place = image.getBoundingClientRect();
    const seen = place.bottom > 0 && place.top < innerHeight && place.width > 0;
    return !seen || image.complete;
  })));
  await page.waitForTimeout(350);  // Transitions.
  await page.screenshot({path: path.join(out, `${name}.png`)});
}

// A drop, as the browser tells a page of it.
export async function drop(page, bytes, name = 'photo.jpg', type = 'image/jpeg') {
  const transfer = await page.evaluateHandle(({base64, name, type}) => {
    const raw = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([raw], name, {type}));
    return transfer;
  }, {base64: bytes.toString('base64'), name, type});
  for (const event of ['dragenter', 'dragover', 'drop']) {
    await page.dispatchEvent('main', event, {dataTransfer: transfer});
  }
}

export const cards = (page) => page.locator('#grid .grid .card');
export const ids = (page) => cards(page).evaluateAll((all) => all.map((one) => one.dataset.id));
export const query = (page) => new URL(page.url()).searchParams;

// Does something, and waits until the page has answered to it.
export async function after(page, act, holds) {
  await act();
  if (holds) await eventually('the change', holds, 30_000);
  await settled(page);
}

// Draws on the picture from here to there, in shares of it.
export async function drawBox(page, [x0, y0, x1, y1]) {
  const area = await page.locator('#box-surface').boundingBox();
  await page.mouse.move(area.x + x0 * area.width, area.y + y0 * area.height);
  await page.mouse.down();
  await page.mouse.move(area.x + ((x0 + x1) / 2) * area.width, area.y + ((y0 + y1) / 2) * area.height, {steps: 4});
  await page.mouse.move(area.x + x1 * area.width, area.y + y1 * area.height, {steps: 4});
  await page.mouse.up();
}
