// Logs in to a real Tidegate, opens a source's page, and sees its picture move.
// usage: TIDEGATE_ADMIN_PASSWORD=… node tests/play.mjs http://HOST:PORT SOURCE
import { launch } from './chromium.mjs';

const [base, source] = process.argv.slice(2);
const browser = await launch();
let failed = null;
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  page.on('pageerror', (error) => { failed ??= `the page threw: ${error.message}`; });
  page.setDefaultTimeout(30_000);
  await page.goto(`${base}/#/sources/${encodeURIComponent(source)}`);
  await page.locator('input[type=password]').fill(process.env.TIDEGATE_ADMIN_PASSWORD ?? '');
  await page.keyboard.press('Enter');
  const video = page.locator('video');
  await video.waitFor();
  await page.waitForFunction(() => {
    const playing = document.querySelector('video');
    return playing && playing.videoWidth > 0 && playing.currentTime > 0.5;
  });

  // A canvas sees the decoded pixels themselves, not the page around them.
  const pixels = () =>
    video.evaluate((element) => {
      const canvas = document.createElement('canvas');
      canvas.width = 64;
      canvas.height = 36;
      const context = canvas.getContext('2d');
      context.drawImage(element, 0, 0, 64, 36);
      return Array.from(context.getImageData(0, 0, 64, 36).data).join();
    });
  const seen = new Set();
  const times = [];
  for (let glance = 0; glance < 100 && seen.size < 4; glance += 1) {
    seen.add(await pixels());
    times.push(await video.evaluate((element) => element.currentTime));
    await page.waitForTimeout(200);
  }
  if (seen.size < 4) failed ??= `only ${seen.size} different pictures at ${times.join(', ')}`;
  if (!(times.at(-1) > times[0])) failed ??= 'the time of the video stood still';
  const black = [...seen].every((picture) => picture.split(',').every((value, index) => index % 4 === 3 || Number(value) < 24));
  if (black) failed ??= 'the picture is black';
} catch (error) {
  failed ??= error.message;
} finally {
  await browser.close();
}
if (failed) {
  console.error(failed);
  process.exit(1);
}
