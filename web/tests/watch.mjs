// Plays an HLS output with hls.js as it comes, on a page of somebody's own, and says what there was to see and what
// was wrong: a line of JSON every quarter of a second, until its standard input ends.
// usage: TIDEGATE_API_TOKEN=… node tests/watch.mjs http://HOST:PORT OUTPUT
import { readFile } from 'node:fs/promises';
import { launch } from './chromium.mjs';
import { watch } from './watcher.mjs';

const REPORT_MS = 250;

const [base, output] = process.argv.slice(2);
const browser = await launch();
let over = false;
process.stdin.on('end', () => { over = true; });
process.stdin.resume();
try {
  const page = await browser.newPage();
  // Beside the segments, so that no server need allow other origins.
  const address = `${base}/watch-${output}.html`;
  await page.route(address, (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html><video width="640" playsinline></video>' }));
  await page.goto(address);
  await page.addScriptTag({ content: await readFile(new URL('../node_modules/hls.js/dist/hls.min.js', import.meta.url), 'utf8') });
  const url = `${base}/hls/${output}/index.m3u8`;
  await page.evaluate(watch, { url, token: process.env.TIDEGATE_API_TOKEN ?? '' });
  do {
    await new Promise((resolve) => setTimeout(resolve, REPORT_MS));
    console.log(JSON.stringify(await page.evaluate('report()')));
  } while (!over);
} finally {
  await browser.close();
}
