// The catalogue and the programs that the browser's test runs against. All is below
// build/gallery-test; the catalogue and its index stay for the next run.
import {spawn, spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const bin = path.join(root, 'build/bin');
export const out = path.join(root, 'build/gallery-test');
const photos = path.join(out, 'photos');

export const HOSTILE_ID = '5';
export const HOSTILE_TITLE = `<script>alert(1)</script><img src=x onerror=alert(2)>"'&amp; Coat`;
const PATIENCE_MS = 120_000;

export function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

export async function eventually(what, holds, milliseconds = PATIENCE_MS) {
  const end = Date.now() + milliseconds;
  for (;;) {
    const got = await holds();
    if (got) return got;
    if (Date.now() > end) throw new Error(`${what}: not within ${milliseconds} ms`);
    await pause(20);
  }
}

function run(program, ...flags) {
  const done = spawnSync(path.join(bin, program), flags, {encoding: 'utf8'});
  if (done.status !== 0) throw new Error(`${program} ${flags.join(' ')}: ${done.stderr || done.error}`);
}

// The drawn garments, with prices, and one with a title that would do harm as HTML.
function makeCatalogue() {
  if (existsSync(photos)) return;
  const part = `${photos}.part`;
  rmSync(part, {recursive: true, force: true});
  run('vitrine', 'sample', `--out=${part}`, '--products=150', '--seed=11');
  const table = path.join(part, 'styles.csv');
  const [head, ...rows] = readFileSync(table, 'utf8').trim().split('\n');
  const cells = head.split(',');
  const title = cells.indexOf('productDisplayName');
  const priced = rows.map((row) => {
    const values = row.split(',');
    const id = Number(values[0]);
    // The last column, whose commas stand as they are.
    const name = values[0] === HOSTILE_ID ? HOSTILE_TITLE : values.slice(title).join(',');
    return [...values.slice(0, title), `"${name.replaceAll('"', '""')}"`, (9.9 + ((id * 37) % 180)).toFixed(2), 'EUR'].join(',');
  });
  writeFileSync(table, [`${head},price,currency`, ...priced, ''].join('\n'));
  renameSync(part, photos);
}

export function photo(id) {
  return readFileSync(path.join(photos, 'images', `${id}.jpg`));
}

// A program that says where it listens, and ends with the test.
class Daemon {
  constructor(program, ...flags) {
    this.log = '';
    this.process = spawn(path.join(bin, program), flags);
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.on('data', (data) => (this.log += data));
    }
    this.ended = new Promise((resolve) => this.process.on('exit', resolve));
    process.on('exit', () => this.process.kill('SIGKILL'));
  }
  async address() {
    const line = await eventually(`its address; ${this.log}`, () => {
      if (this.process.exitCode !== null) throw new Error(this.log);
      return this.log.match(/listening on (\S+)\n/);
    });
    return line[1];
  }
  async stop() {
    this.process.kill('SIGTERM');
    await this.ended;
  }
}

export class World {
  async start() {
    mkdirSync(out, {recursive: true});
    makeCatalogue();
    run('vitrine-indexer', `--catalog=${photos}`, `--index=${path.join(out, 'index')}`, '--once');
    await this.startServer('127.0.0.1:0');
    this.gallery = new Daemon('vitrine-gallery', '--listen=127.0.0.1:0', `--server=${this.serverAddress}`);
    this.url = `http://${await this.gallery.address()}`;
  }
  async startServer(listen) {
    this.server = new Daemon('vitrine-server', `--index=${path.join(out, 'index')}`, `--listen=${listen}`,
      '--require-index');
    this.serverAddress = await this.server.address();
  }
  async stop() {
    await Promise.all([this.server?.stop(), this.gallery?.stop()]);
  }
}
