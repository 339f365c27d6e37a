// The page of a switch in a real browser: what the keys and TAKE do, and what they never do by accident.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { launch } from '../chromium.mjs';
import { startMock } from '../mock/server.mjs';

let browser, mock, page, errors;
before(async () => (browser = await launch()));
after(() => browser.close());
afterEach(async () => {
  await page?.close();
  mock?.stop();
  assert.deepEqual(errors, [], 'the page reports no error and breaks no security policy');
});

async function open(name, view = {}, options = {}) {
  errors = [];
  mock = await startMock(options);
  page = await browser.newPage({ viewport: { width: 1440, height: 900 }, ...view });
  page.setDefaultTimeout(30_000);
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => /Content Security Policy/.test(message.text()) && errors.push(message.text()));
  await page.goto(`${mock.url}/#/sources/${name}`);
  await page.getByRole('button', { name: /^(Take|Locked)/ }).waitFor();
}
const text = (locator) => locator.innerText().then((found) => found.replace(/\s+/g, ' ').trim());
const program = () => text(page.locator('.side.program .name'));
const preview = () => text(page.locator('.side.preview .name'));
const takes = () => mock.state.steered.filter(({ act }) => act === 'take').map(({ input, force }) => (force ? `${input}!` : input));
/** Both in one moment, however slow the machine is. */
const twice = (key) => page.evaluate((pressed) => {
  for (let at = 0; at < 2; at += 1) (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent('keydown', { key: pressed, bubbles: true, cancelable: true }));
}, key);
const clickTwice = (locator) => locator.evaluate((button) => { button.click(); button.click(); });
const acts = () => mock.state.steered.map(({ act, input, confirm }) => [act, input, confirm].filter(Boolean).join(' '));
const shows = (side, name) => page.locator(`.side.${side} .name`, { hasText: new RegExp(`^${name}$`) }).waitFor();

test('shows what is on air and what would be, with their numbers and words', async () => {
  await open('program');
  assert.deepEqual([await program(), await preview()], ['cam1-main', 'cam1-backup']);
  assert.match(await text(page.locator('.side.program')), /^On air ?1 Program, since .* Live Clean for 12:34/);
  assert.match(await text(page.locator('.side.preview')), /^Preview ?2 .* Ready Clean for 12:34/);
  assert.match(await text(page.locator('#take-words')), /On air at its next key frame, in 2\.0 s at most\./);
});

test('takes with Enter, and a second press or a held key does not take back', async () => {
  await open('program');
  await page.keyboard.down('Enter');
  for (let at = 0; at < 5; at += 1) await page.keyboard.down('Enter');
  await page.keyboard.up('Enter');
  await page.keyboard.press(' ');
  await shows('program', 'cam1-backup');
  assert.deepEqual(takes(), ['cam1-backup']);
  // The finger has rested: now it is meant.
  await page.locator('.take:enabled', { hasText: 'cam1-main' }).waitFor();
  await page.keyboard.press('Enter');
  await shows('program', 'cam1-main');
  assert.deepEqual(takes(), ['cam1-backup', 'cam1-main']);
});

test('a click on TAKE, and the key that follows on the same button, take once', async () => {
  await open('program');
  await page.getByRole('button', { name: /^Take cam1-backup/ }).dblclick();
  await page.keyboard.press('Enter');
  await shows('program', 'cam1-backup');
  assert.deepEqual(takes(), ['cam1-backup']);
});

test('chooses the preview by number and by mouse, and Esc lets go of it', async () => {
  await open('program');
  await page.keyboard.press('0');
  await shows('preview', 'Slate');
  await page.getByRole('button', { name: 'Preview cam1-phone' }).click();
  await shows('preview', 'cam1-phone');
  await page.keyboard.press('1');
  await shows('preview', 'cam1-backup');
  await page.keyboard.press('3');
  await shows('preview', 'cam1-phone');
  await page.keyboard.press('Escape');
  await shows('preview', 'cam1-backup');
  assert.deepEqual(takes(), []);
});

test('asks once more before an input that is not ready, and a slip is no answer', async () => {
  await open('program');
  await page.keyboard.press('3');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await page.getByText(/cam1-phone is not ready: bitrate at 22 %.*Viewers may see a frozen picture or none\./i).waitFor();
  assert.deepEqual(takes(), []);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Take anyway' }).waitFor({ state: 'detached' });
  await page.keyboard.press('Enter');
  await page.waitForTimeout(1200);
  await page.getByRole('button', { name: /^Take anyway/ }).click();
  await shows('program', 'cam1-phone');
  assert.deepEqual(takes(), ['cam1-phone!']);
});

test('L locks so that nothing is taken, says so in a band, and unlocks', async () => {
  await open('program');
  // A slip of the finger does not unlock it again.
  await twice('l');
  await page.getByText('Nothing moves the program').waitFor();
  await page.keyboard.press('Enter');
  assert.deepEqual(mock.state.steered.map(({ act }) => act), ['lock']);
  await page.waitForTimeout(1100);
  await page.getByText('Nothing moves the program').waitFor();
  await page.keyboard.press('l');
  await page.getByText('Nothing moves the program').waitFor({ state: 'detached' });
  await page.keyboard.press('h');
  await page.getByText('Nothing switches by itself. A take still works.').waitFor();
});

test('says in words why a take was refused', async () => {
  await open('program');
  mock.state.refuse = 'The program is locked.';
  await page.keyboard.press('Enter');
  await page.getByText('The program is locked. Unlock it first.').waitFor();
});

test('cuts the main on air only when it was said what happens and confirmed', async () => {
  await open('program');
  await page.getByRole('button', { name: /^Cut cam1-main on air …/ }).dblclick();
  await page.getByText('cam1-main is cut for 5 s, and cam1-backup goes on air.').waitFor();
  const confirmed = () => mock.state.steered.filter(({ confirm }) => confirm !== undefined);
  assert.deepEqual(confirmed(), []);
  await page.waitForTimeout(1100);
  await page.getByRole('button', { name: 'Cut cam1-main on air', exact: true }).click();
  await page.getByText('cam1-main is cut for 5 s').waitFor({ state: 'detached' });
  assert.deepEqual(confirmed(), [{ name: 'program', act: 'drill', input: 'cam1-main', on_air: true, confirm: 'program' }]);
});

test('keys rest while a form or the key help is open', async () => {
  await open('program');
  await page.keyboard.press('?');
  await page.getByText('choose the preview').waitFor();
  await page.keyboard.press('3');
  await page.mouse.click(1200, 700);
  await page.keyboard.press('Enter');
  await page.keyboard.press('l');
  assert.deepEqual(mock.state.steered, []);
});

test('on a phone TAKE lies at the foot, above alarms and navigation, and is large enough for a thumb', async () => {
  await open('program', { viewport: { width: 390, height: 844 }, hasTouch: true });
  const button = await page.getByRole('button', { name: /^Take cam1-backup/ }).boundingBox();
  const alarm = await page.locator('.foot').first().boundingBox();
  assert.ok(button.height >= 56 && button.width >= 200, JSON.stringify(button));
  assert.ok(button.y > 844 / 2 && button.y + button.height <= alarm.y, JSON.stringify({ button, alarm }));
  await page.getByRole('button', { name: /^Take cam1-backup/ }).tap();
  await shows('program', 'cam1-backup');
});

test('puts inputs in order, and writes what was chosen', async () => {
  await open('program');
  await page.keyboard.press('e');
  await page.getByRole('button', { name: 'Move cam1-backup up' }).click();
  await page.getByLabel('Add an input').selectOption('start-line');
  await page.getByText('What it acts on').click();
  await page.getByLabel('No packets for', { exact: true }).fill('200');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('program changed.').waitFor();
  assert.deepEqual(mock.state.writes.at(-1).config.switch, { inputs: ['cam1-backup', 'cam1-main', 'cam1-phone', 'start-line'], slate: 'soon.png', triggers: { no_packets: '200ms' } });
});

test('says over the whole page what a drill cuts, until when, and ends it with one command', async () => {
  await open('program');
  await page.getByRole('button', { name: /^Cut cam1-main on air …/ }).click();
  await page.waitForTimeout(1100);
  await clickTwice(page.getByRole('button', { name: 'Cut cam1-main on air', exact: true }));
  const band = page.getByRole('group', { name: 'Drill on air' });
  await band.waitFor();
  assert.match(await text(band), /Drill on air cam1-main is cut since \d\d:\d\d:\d\d, by admin\. Viewers see cam1-backup\. The cut ends by itself at \d\d:\d\d:\d\d/);
  assert.equal((await band.boundingBox()).width, 1440);
  await page.getByText('A drill cuts cam1-main now.').waitFor();
  await clickTwice(band.getByRole('button', { name: 'End now, take cam1-main back' }));
  await shows('program', 'cam1-main');
  await band.waitFor({ state: 'detached' });
  assert.deepEqual(acts(), ['drill cam1-main', 'drill cam1-main program', 'take cam1-main']);
});

test('tells of a drill on the overview, too, and ends it there', async () => {
  await open('program', {}, { program: 'drill' });
  await page.goto(`${mock.url}/#/`);
  const band = page.getByRole('group', { name: 'Drill on air, program' });
  await band.waitFor();
  assert.match(await text(band), /program: cam1-main is cut since .*, by admin\. Viewers see cam1-backup\./);
  assert.match(await text(page.locator('[data-source="program"] .state')), /Warning Drill on air/);
  await clickTwice(band.getByRole('button', { name: 'End now, take cam1-main back' }));
  await band.waitFor({ state: 'detached' });
  assert.deepEqual(acts(), ['take cam1-main']);
});

test('a second press on a button that went away takes nothing', async () => {
  await open('program', {}, { program: 'latched' });
  await page.getByRole('button', { name: 'Return to cam1-main' }).focus();
  await page.keyboard.press('Enter');
  await twice('Enter');
  await page.getByRole('button', { name: /^Hold/ }).focus();
  await page.keyboard.press('Enter');
  await twice('Enter');
  await page.getByRole('button', { name: /^Let go/ }).first().waitFor();
  assert.deepEqual(takes(), []);
});

test('the question before a cut takes the focus to its harmless answer, and gives it back', async () => {
  await open('program');
  const focus = () => page.evaluate(() => document.activeElement?.textContent.trim());
  await page.getByRole('button', { name: /^Cut cam1-main on air …/ }).focus();
  await page.keyboard.press('Enter');
  await page.getByText('cam1-main is cut for 5 s, and cam1-backup goes on air.').waitFor();
  assert.equal(await focus(), 'Keep');
  await page.keyboard.press('Enter');
  await page.getByText('cam1-main is cut for 5 s').waitFor({ state: 'detached' });
  assert.equal(await focus(), 'Cut cam1-main on air …');
  assert.deepEqual(acts(), ['drill cam1-main']);
});

test('keys typed into the form of a switch steer nothing', async () => {
  await open('program');
  await page.keyboard.press('e');
  await page.locator('#switch-slate').fill('');
  await page.locator('#switch-slate').pressSequentially('1 lh0.png');
  await page.getByText('What it acts on').click();
  await page.getByLabel('No packets for', { exact: true }).pressSequentially('300 h');
  assert.deepEqual(mock.state.steered, []);
  assert.equal(await page.locator('#switch-slate').inputValue(), '1 lh0.png');
});

test('tells beside TAKE what the clock should have put on air and did not', async () => {
  await open('program', {}, { program: 'missed' });
  await page.getByText(/The scheduled take of cam1-backup was not done: cam1-backup is not ready/).first().waitFor();
  await page.getByText(/By the clock: the slate at/).waitFor();
});

test('shows at the field why the slate that is set cannot be made, until another is typed', async () => {
  await open('program', {}, { program: 'bad' });
  await page.keyboard.press('e');
  await page.locator('#switch-slate-note', { hasText: 'There is no file soon.png in the folder media.' }).waitFor();
  await page.locator('#switch-slate').fill('other.png');
  await page.locator('#switch-slate-note', { hasText: 'A picture or clip in the media folder' }).waitFor();
});

test('puts a circle, a source that is gone, a wrong slate and a wrong trigger beside their fields', async () => {
  await open('program');
  await page.keyboard.press('e');
  const wrong = [
    ['/sources/1/switch/inputs/0', 'Source "program" is made out of itself, by way of "inner".', '#switch-input'],
    ['/sources/1/switch/inputs/2', 'There is no source named "inner".', '#switch-input'],
    ['/switch/slate', '"../x" leads out of its folder.', '#switch-slate'],
    ['/switch/triggers/no_packets', '10ms does not do for no_packets: from 50ms to 5s.', '#trigger-no_packets'],
    ['/switch/dwell', '2000h is too long.', '#switch-dwell'],
  ];
  for (const [pointer, detail, field] of wrong) {
    mock.state.objects = { pointer, detail };
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator(`${field}-note`, { hasText: detail }).waitFor();
    assert.equal(await page.locator(field).getAttribute('aria-invalid'), 'true');
  }
  mock.state.objects = null;
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('program changed.').waitFor();
});

// Green is earned: in these states nothing on the page may be green that is not proved healthy.
for (const [variant, green] of [['bad', 0], ['slate', 0], ['starting', 0], ['refused', 1], ['settling', 1]]) {
  test(`shows nothing green of inputs that are not well: ${variant}`, async () => {
    await open('program', {}, { program: variant });
    const lit = () => page.locator('[data-input]').evaluateAll((rows) => rows.filter((row) => row.querySelector('.st.ok')).length);
    assert.equal(await lit(), green);
    assert.equal(await page.locator('.tally.preview:not(.hollow)').count(), 0);
    assert.equal(await page.locator('.slate .st.ok').count(), variant === 'refused' || variant === 'settling' ? 1 : 0);
  });
}
