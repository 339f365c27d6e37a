// What a reader, a keyboard and weak eyes need, on every screen and in every state of a switch.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { launch } from '../chromium.mjs';
import { startMock } from '../mock/server.mjs';
import { faultsOf, unseenStops } from './a11y.mjs';

let browser, mock, page;
before(async () => (browser = await launch()));
after(() => browser.close());
afterEach(async () => {
  await page?.close();
  mock?.stop();
});

async function open(hash, { width = 1440, program = null } = {}) {
  mock = await startMock({ program });
  page = await browser.newPage({ viewport: { width, height: 900 }, hasTouch: width < 500 });
  page.setDefaultTimeout(30_000);
  await page.goto(`${mock.url}/#${hash}`);
  await page.locator('main').waitFor();
}

const STATES = ['healthy', 'failed', 'slate', 'bad', 'locked', 'held', 'latched', 'rehearsed', 'drill', 'settling', 'starting', 'refused', 'twins', 'scheduled', 'missed', 'many'];
for (const width of [1440, 390]) {
  test(`every state of a switch is named, large enough, and in contrast at ${width} px`, async () => {
    await open('/sources/program', { width, program: 'healthy' });
    for (const state of STATES) {
      mock.state.program = state;
      await page.reload();
      await page.locator('.take').waitFor();
      assert.deepEqual(await faultsOf(page), [], state);
    }
  });

  test(`so are the questions before a take and before a cut at ${width} px, and nothing of them is cut off`, async () => {
    await open('/sources/program', { width, program: 'missed' });
    await page.locator('.take').waitFor();
    await page.keyboard.press('Enter');
    await page.locator('.take.ask').waitFor();
    assert.deepEqual(await faultsOf(page), []);
    const { x, width: wide } = await page.getByRole('button', { name: 'Keep' }).boundingBox();
    assert.ok(x + wide <= width, `Keep ends at ${x + wide}`);
    const { cut, name } = await page.locator('.take.ask .what').evaluate((what) => ({ cut: what.scrollWidth > what.clientWidth, name: what.textContent }));
    assert.deepEqual([name, cut], ['cam1-backup', false]);
    mock.state.program = 'healthy';
    await page.reload();
    await page.getByRole('button', { name: /^Cut cam1-main on air/ }).click();
    await page.getByText('cam1-main is cut for 5 s').waitFor();
    assert.deepEqual(await faultsOf(page), []);
  });

  test(`so are the other screens at ${width} px`, async () => {
    await open('/', { width });
    for (const [hash, ready] of [['/', '[data-source="drone"]'], ['/sources/moto-2', '.verdict'], ['/listeners', 'tr'], ['/callers', 'tr'], ['/bans', 'tr']]) {
      await page.goto(`${mock.url}/#${hash}`);
      await page.locator(ready).first().waitFor();
      assert.deepEqual(await faultsOf(page), [], hash);
    }
  });

  test(`so is the form of a switch at ${width} px, with everything open and wrong`, async () => {
    await open('/sources/program', { width, program: 'bad' });
    await page.locator('.take').waitFor();
    await page.keyboard.press('e');
    for (const part of ['What it acts on', 'Schedule', 'Advanced']) await page.locator('summary', { hasText: part }).click();
    await page.getByRole('button', { name: 'Add a time' }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Every line needs a time and an input.').waitFor();
    assert.deepEqual(await faultsOf(page), []);
  });
}

test('every stop of the Tab key on the page of a switch is seen', async () => {
  await open('/sources/program', { program: 'drill' });
  await page.locator('.take').waitFor();
  assert.deepEqual(await unseenStops(page), []);
});
