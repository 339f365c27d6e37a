// The dashboard in a real browser, against the fixture server: npm run build && npm run test:browser
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { launch } from '../chromium.mjs';
import { startMock } from '../mock/server.mjs';

let browser, mock, page, errors;
before(async () => (browser = await launch()));
after(() => browser.close());
beforeEach(() => (errors = []));
afterEach(async () => {
  await page?.close();
  mock?.stop();
  assert.deepEqual(errors, [], 'the page reports no error and breaks no security policy');
});

async function open(hash = '/', options = {}, view = {}) {
  mock = await startMock(options);
  page = await browser.newPage({ viewport: { width: 1440, height: 900 }, ...view });
  page.setDefaultTimeout(30_000);
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => /Content Security Policy/.test(message.text()) && errors.push(message.text()));
  await page.goto(`${mock.url}/#${hash}`);
}
const row = (name) => page.locator(`[data-source="${name}"]`);
const text = (locator) => locator.innerText().then((found) => found.replace(/\s+/g, ' ').trim());
const focused = () => page.evaluate(() => document.activeElement?.getAttribute('data-source'));

test('shows nothing before the login, and says when the password is wrong', async () => {
  await open('/', { loggedIn: false });
  await page.getByLabel('Admin password').fill('guess');
  await page.keyboard.press('Enter');
  await page.getByText('Wrong password.').waitFor();
  assert.equal(await page.locator('[role=grid]').count(), 0);
  await page.getByLabel('Admin password').fill('correct');
  await page.getByRole('button', { name: 'Log in' }).click();
  await row('finish-main').waitFor();
});

test('goes back to the login when the session ends', async () => {
  await open();
  await row('drone').waitFor();
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByLabel('Admin password').waitFor();
});

test('never shows connected without media as good', async () => {
  await open();
  assert.match(await text(row('drone')), /Warning No media for \d\d:\d\d 0\.0/);
  const green = await row('drone').locator('.st.ok').count();
  assert.equal(green, 0);
});

test('walks the rows with one tab stop, arrows, J and K, and opens one with Enter', async () => {
  await open();
  await row('drone').waitFor();
  assert.equal(await page.locator('[role=row][tabindex="0"]').count(), 1);
  await page.keyboard.press('ArrowDown');
  const first = await focused();
  await page.keyboard.press('j');
  assert.notEqual(await focused(), first);
  await page.keyboard.press('k');
  assert.equal(await focused(), first);
  assert.equal(await page.locator('[role=row][tabindex="0"]').count(), 1);
  await page.keyboard.press('Enter');
  await page.locator('.verdict').locator('b', { hasText: first }).waitFor();
  await page.keyboard.press('Escape');
  await row(first).waitFor();
});

test('filters by / and by tab, and single keys rest in the field', async () => {
  await open();
  await row('drone').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('line n');
  assert.equal(await page.locator('dialog').count(), 0);
  await page.getByLabel('Filter').fill('moto');
  assert.equal(await page.locator('[data-source]').count(), 2);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /^Idle/ }).click();
  assert.equal(await page.locator('[data-source]').count(), 5);
});

test('says Not live when the stream stops, shows dashes, and recovers', async () => {
  await open();
  await row('start-line').waitFor();
  mock.state.quiet = true;
  await page.getByText(/Not live since \d\d:\d\d:\d\d/).waitFor();
  assert.match(await text(row('start-line')), /Live Until \d\d:\d\d:\d\d –/);
  mock.state.quiet = false;
  await page.getByText(/Not live since/).waitFor({ state: 'detached' });
});

test('shows hostile stream IDs as plain text', async () => {
  await open('/callers');
  await page.getByText('<script>alert(1)</script>').waitFor();
  assert.match(await page.locator('main').innerText(), /‹202E›gnp\.exe/);
  assert.equal(await page.locator('main script').count(), 0);
});

test('puts a problem beside the field it means, then adds the source', async () => {
  await open();
  await row('drone').waitFor();
  await page.keyboard.press('n');
  await page.getByLabel('Name').fill('finish-main');
  await page.locator('dialog .pri').click();
  await page.getByText('finish-main exists already. Choose another name.').waitFor();
  await page.getByLabel('Name').fill('new-cam');
  await page.locator('#passphrase').fill('short');
  await page.locator('dialog .pri').click();
  await page.locator('#passphrase-note', { hasText: '10 to 79 characters' }).waitFor();
  await page.getByRole('button', { name: 'Generate' }).click();
  await page.locator('dialog .pri').click();
  await page.waitForURL('**/#/sources/new-cam');
  const { config } = mock.state.writes.at(-1);
  assert.equal(config.srt.stream_id, 'live/new-cam');
  assert.match(config.srt.passphrase, /^[a-z2-9]{20}$/);
});

test('asks once more before deleting, and names what stops', async () => {
  await open('/sources/finish-main');
  await page.locator('.verdict').getByRole('button', { name: 'Delete' }).click();
  await page.getByText(/Deletes its outputs too: viewers, partner-tv/).waitFor();
  assert.equal(mock.state.writes.length, 0);
  await page.getByRole('button', { name: 'Keep' }).click();
  assert.equal(mock.state.writes.length, 0);
});

test('shows secrets only when asked', async () => {
  await open('/sources/press-room');
  await page.getByRole('button', { name: /Show lines/ }).waitFor();
  assert.doesNotMatch(await page.locator('body').innerText(), /k7m2q9x4/);
  await page.getByRole('button', { name: /Show lines/ }).click();
  await page.getByText(/k7m2q9x4/).first().waitFor();
});

test('hands out the passphrase that is chosen, and says which one is in use', async () => {
  await open('/sources/bonded-van');
  const choice = page.getByLabel('With');
  await choice.waitFor();
  assert.deepEqual(await choice.locator('option').allInnerTexts(), ['Passphrase', 'Passphrase 2026-11-20, in use now', 'User alice', 'User bob, new', 'User bob, old']);
  await page.getByRole('button', { name: /Show lines/ }).click();
  await page.getByText(/k7m2q9x4/).first().waitFor();
  await choice.selectOption('users/bob/new');
  await page.getByText(/bob-new-w8d3/).first().waitFor();
});

test('saves a source unchanged as it was, and says whom a change disconnects', async () => {
  await open('/sources/bonded-van');
  await page.getByRole('button', { name: /^Edit/ }).first().click();
  await page.getByText('Kept as it is: webhook').waitFor();
  assert.equal(await page.getByText('Saving disconnects').count(), 0);
  await page.getByLabel('Latency').fill('900');
  await page.getByText('Saving disconnects the sender; it has to call again.').waitFor();
  await page.getByLabel('Latency').fill('');
  await page.locator('dialog .pri').click();
  await page.locator('dialog').waitFor({ state: 'detached' });
  const { config } = mock.state.writes.at(-1);
  const shown = (await (await page.request.get(`${mock.url}/api/v1/sources/bonded-van`)).json()).config;
  assert.deepEqual(config, shown);
});

test('changes a passphrase without a gap', async () => {
  await open('/sources/bonded-van');
  await page.getByRole('button', { name: /^Edit/ }).first().click();
  await page.getByText('In use now by the sender.').waitFor();
  await page.getByRole('button', { name: 'Add another passphrase' }).click();
  await page.locator('dialog .pri').click();
  await page.getByText('Type a passphrase, or remove this line.').waitFor();
  assert.equal(mock.state.writes.length, 0);
  await page.locator('#more-1').fill('correct horse battery');
  await page.locator('#passphrase ~ button', { hasText: 'Remove' }).click();
  assert.equal(await page.getByText('Saving disconnects').count(), 0);
  await page.locator('dialog .pri').click();
  await page.locator('dialog').waitFor({ state: 'detached' });
  const { srt } = mock.state.writes.at(-1).config;
  assert.equal(srt.passphrase, undefined);
  assert.deepEqual(Object.values(srt.passphrases).sort(), ['correct horse battery', '•••']);
});

test('bans a caller only after saying what that does, and lifts the ban', async () => {
  await open('/callers');
  await page.getByRole('button', { name: 'Ban 203.0.113.48' }).click();
  await page.getByText('Disconnects now: the sender of bonded-van.').waitFor();
  assert.equal(mock.state.writes.length, 0);
  await page.getByRole('button', { name: 'The whole network 203.0.113.0/24' }).click();
  await page.getByRole('button', { name: 'Ban', exact: true }).last().click();
  await page.getByRole('link', { name: 'Banned' }).first().waitFor();
  assert.deepEqual(mock.state.writes.at(-1).config, { address: '203.0.113.0/24', duration: '1d', reason: 'wrong passphrase' });
  await page.getByRole('link', { name: /^Bans/ }).click();
  const row = page.locator('tr', { hasText: '203.0.113.0/24' });
  await row.getByRole('button', { name: 'Lift' }).click();
  await page.getByText('Callers from 203.0.113.0/24 may come in again.').waitFor();
  await row.getByRole('button', { name: 'Lift' }).click();
  await row.waitFor({ state: 'detached' });
});

test('puts a wrong ban’s problem beside its field', async () => {
  await open('/bans');
  await page.getByRole('button', { name: /Add ban/ }).click();
  await page.getByLabel('Address or network').fill('everybody');
  await page.locator('dialog .pri').click();
  await page.locator('#address-note', { hasText: 'no address' }).waitFor();
  await page.getByLabel('Address or network').fill('0.0.0.0/0');
  await page.locator('dialog .pri').click();
  await page.locator('#address-note', { hasText: 'That bans everybody.' }).waitFor();
});

test('picks a platform: its limits, what the source breaks of them, and the key it needs', async () => {
  await open('/sources/studio-obs');
  await page.getByRole('button', { name: /Add output/ }).click();
  await page.getByLabel('Name').fill('to-tw');
  await page.getByLabel('Kind').selectOption('rtmp');
  await page.getByLabel('Platform').selectOption('twitch');
  await page.getByText('Verified 21 Nov 2026.').waitFor();
  await page.locator('dialog').getByText('The picture has 7.8 Mb/s; Twitch takes 6.0 Mb/s.').waitFor();
  await page.locator('dialog .pri').click();
  await page.getByText('Paste the key from Twitch.').waitFor();
  assert.equal(mock.state.writes.length, 0);
  await page.getByLabel('Region').selectOption('osl');
  await page.locator('#rtmp-key').fill('live_123');
  await page.locator('dialog .pri').click();
  await page.locator('dialog').waitFor({ state: 'detached' });
  assert.deepEqual(mock.state.writes.at(-1).config, { name: 'to-tw', source: 'studio-obs', rtmp: { platform: 'twitch', region: 'osl', key: 'live_123' } });
});

test('asks for the address that a platform shows each user', async () => {
  await open('/sources/studio-obs');
  await page.getByRole('button', { name: /Add output/ }).click();
  await page.getByLabel('Kind').selectOption('rtmp');
  await page.getByLabel('Platform').selectOption('tiktok');
  await page.getByText('A new key for every session: paste it just before you start.').waitFor();
  await page.locator('dialog .pri').click();
  await page.locator('#rtmp-url-note', { hasText: 'Paste the address that TikTok LIVE shows you.' }).waitFor();
});

test('keeps a stream key while its output is changed', async () => {
  await open('/sources/studio-obs');
  await page.getByRole('button', { name: /^youtube-main/ }).click();
  await page.locator('.acts').getByRole('button', { name: 'Edit', exact: true }).last().click();
  await page.getByText('A key is stored and stays as it is.').waitFor();
  await page.getByLabel('Backup entrance').check();
  await page.locator('dialog .pri').click();
  await page.locator('dialog').waitFor({ state: 'detached' });
  assert.deepEqual(mock.state.writes.at(-1).config.rtmp, { platform: 'youtube', key: '•••', backup: true });
});

test('makes the form of a kind from what the server describes, with errors at its fields', async () => {
  await open();
  await page.getByRole('button', { name: /Add source/ }).click();
  await page.getByLabel('Name').fill('downlink');
  await page.getByLabel('Kind').selectOption('rtp');
  await page.locator('dialog .pri').click();
  await page.locator('#rtp-from-note', { hasText: 'Comes in at is needed.' }).waitFor();
  await page.locator('#rtp-from').fill('239.10.1.1:5004');
  await page.getByLabel('Second path').check();
  await page.locator('#rtp-and-from').fill('239.10.2.1:5004');
  await page.getByLabel('Bitrate').fill('14M');
  await page.locator('dialog .pri').click();
  await page.waitForURL('**/#/sources/downlink');
  assert.deepEqual(mock.state.writes.at(-1).config, { name: 'downlink', rtp: { from: '239.10.1.1:5004', and: { from: '239.10.2.1:5004' } }, expect: { bitrate: '14M' } });
});

test('shows the outputs to platforms: limits, refusals and dropped frames in words', async () => {
  await open('/sources/studio-obs');
  await page.getByText('The picture has 7.8 Mb/s, and Twitch takes 6.0 Mb/s. Lower the encoder’s bitrate.').waitFor();
  const row = page.locator('tr', { hasText: 'to-twitch' });
  assert.match(await text(row), /RTMP, Twitch Warning 2 reconnects 212 frames left out/);
  await page.getByRole('button', { name: /^youtube-main/ }).click();
  await page.getByText('H.264 1920×1080, AAC 48 kHz').waitFor();
  assert.match(await text(page.getByLabel('Verdict')), /Warning: output reconnecting\. to-partner: The server refused the stream key/);
});

test('shows every listener, and why one is not open', async () => {
  await open('/listeners');
  await page.getByText('UDP port 9200 is in use by another program.').waitFor();
  const devices = await text(page.locator('tr', { hasText: 'devices' }));
  assert.match(await text(page.locator('tr', { hasText: 'encoders' })), /RTMPS Ready: Open 0\.0\.0\.0:1936 studio-obs, guest-phone 1 40 31 wrong key or taken/);
  assert.match(devices, /Open This machine dropped 311 packets 0\.0\.0\.0:9100 and 9101-9149, next free 9103/);
});

test('adds and changes a listener, keeps what the form does not show, and says whom it sends away', async () => {
  await open('/listeners');
  await page.getByRole('button', { name: /Add listener/ }).click();
  await page.getByLabel('Name').fill('guests');
  await page.getByLabel('Address and port').fill('9300');
  await page.locator('dialog .pri').click();
  await page.locator('dialog').waitFor({ state: 'detached' });
  assert.deepEqual(mock.state.writes.at(-1), { method: 'POST', kind: 'listeners', name: undefined, config: { name: 'guests', srt: { bind: '0.0.0.0:9300' } } });
  await page.getByRole('button', { name: 'Edit devices' }).click();
  await page.getByText('Kept as it is: max_connections').waitFor();
  await page.getByLabel('Address and port').fill('9400');
  await page.getByText('2 connections on it end').waitFor();
  await page.locator('dialog .pri').click();
  await page.locator('dialog').waitFor({ state: 'detached' });
  assert.deepEqual(mock.state.writes.at(-1).config.srt, { bind: '0.0.0.0:9400', port_range: '9101-9149', latency: '400ms', passphrase: '•••', max_connections: 40 });
});

test('gives a source a port of the listener’s range', async () => {
  await open('/');
  await page.getByRole('button', { name: /Add source/ }).click();
  await page.getByLabel('Name').fill('cam9');
  await page.getByLabel('How it arrives').selectOption('range');
  await page.getByLabel('Listener').selectOption('devices');
  await page.getByText('One of 9101-9149.').waitFor();
  await page.locator('dialog .pri').click();
  await page.locator('dialog').waitFor({ state: 'detached' });
  assert.deepEqual(mock.state.writes.at(-1).config, { name: 'cam9', srt: { listener: 'devices', port: 9103 } });
});

test('lists all figures of a connection while they are asked for', async () => {
  await open('/sources/bonded-van');
  await page.getByText('All figures of the connection').click();
  const figures = page.locator('details', { hasText: 'All figures of the connection' });
  await figures.getByText('Filter packets rebuilt').waitFor();
  assert.match(await text(figures), /Filter packets rebuilt 1,204/);
});

test('makes a missing leg obvious', async () => {
  await open('/sources/bonded-van');
  await page.getByText('1 of 2 legs is missing', { exact: true }).waitFor();
  await page.getByLabel('Verdict').getByText('1 of 2 legs is missing: 2001:db8:85a3::8a2e:370:7334').waitFor();
  assert.match(await text(page.locator('tr.missing')), /2001:db8.*Lost for \d\d:\d\d/);
});

test('plays the source’s HLS output with changing pixels', async () => {
  await open('/sources/finish-main', { picture: true });
  await page.getByText(/^Live, \d/).waitFor({ timeout: 60_000 });
  const sample = () => page.evaluate(() => {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 64;
    const context = canvas.getContext('2d');
    context.drawImage(document.querySelector('video'), 0, 0, 64, 64);
    return [...context.getImageData(0, 0, 64, 64).data].join();
  });
  const before = await sample();
  await page.waitForFunction(([at]) => document.querySelector('video').currentTime > at + 0.5, [await page.evaluate(() => document.querySelector('video').currentTime)]);
  assert.notEqual(await sample(), before);
});

test('shows the legs of an output that calls over several networks, and changes them', async () => {
  await open('/sources/backup-pair');
  assert.match(await text(page.getByLabel('Picture, tracks, outputs').locator('tr.missing')), /203\.0\.113\.9 port 9000, by usb0, priority 1: the far side does not answer Warning: Lost for 00:31/);
  await page.getByRole('button', { name: /to-studio/ }).click();
  await page.locator('.acts').getByRole('button', { name: 'Edit', exact: true }).last().click();
  await page.getByRole('button', { name: 'Add a leg' }).click();
  await page.getByLabel('Address of leg 3').fill('srt://203.0.113.10:9000');
  await page.locator('dialog .pri').click();
  await page.locator('dialog').waitFor({ state: 'detached' });
  assert.deepEqual(mock.state.writes.at(-1).config.srt.bonding, {
    mode: 'backup', min_stability: '80ms', legs: [{ call: 'srt://203.0.113.9:9000?bindtodevice=usb0' }, { call: 'srt://203.0.113.10:9000' }],
  });
});

test('never calls a picture live that the player only has stored', async () => {
  await open('/sources/finish-main', { picture: true });
  await page.getByText(/^Live, \d/).waitFor({ timeout: 60_000 });
  mock.state.silent = 'finish-main';
  await page.getByText('Not live: nothing arrives now').waitFor();
  assert.equal(await page.locator('video.frozen').count(), 1);
});

test('moves one cursor through all graphs by key', async () => {
  await open('/sources/moto-2');
  await page.getByText('4 incidents').waitFor();
  await page.keyboard.press('[');
  assert.equal(await page.locator('.pointed').count(), 4);
  await page.keyboard.press('ArrowLeft');
  assert.equal(await page.locator('.pointed').count(), 4);
});

for (const width of [1920, 1240, 1060, 800, 390]) {
  test(`fits ${width} px without scrolling sideways, states and reasons in sight`, async () => {
    await open('/', {}, { viewport: { width, height: 900 } });
    await row('moto-2').waitFor();
    assert.ok(await page.locator('[data-source="moto-2"] .state').isVisible());
    assert.match(await text(row('moto-2').locator('.state')), /Warning.*Latency too low/);
    for (const hash of ['/', '/sources/moto-2', '/sources/bonded-van', '/callers', '/bans']) {
      await page.goto(`${mock.url}/#${hash}`);
      await page.waitForTimeout(300);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(over <= 0, `${hash} is ${over} px too wide`);
    }
  });
}
