// Screenshots of every screen at every width of the specification: node tests/shots.mjs FOLDER [only]
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { launch } from './chromium.mjs';
import { startMock } from './mock/server.mjs';

const [folder, only = '', widths = ''] = process.argv.slice(2);
if (!folder) throw new Error('Usage: node tests/shots.mjs FOLDER [only screens whose name contains this] [only these widths: 1440,390]');
mkdirSync(folder, { recursive: true });

const WIDTHS = [[1920, 1080], [1440, 900], [1240, 900], [800, 1100], [390, 844]].filter(([width]) => widths === '' || widths.split(',').includes(String(width)));
const goTo = (hash) => (page) => page.goto(`${page.base}/#${hash}`);
async function addSource(page, kind) {
  await goTo('/')(page);
  await page.getByRole('button', { name: /Add source/ }).click();
  await page.getByLabel('Kind').selectOption(kind);
  page.tall = true;
}
const screens = {
  routes: goTo('/'),
  'routes-stale': async (page, mock) => {
    await goTo('/')(page);
    await page.waitForTimeout(1500);
    mock.state.quiet = true;
    await page.waitForTimeout(4000);
  },
  'source-warning': goTo('/sources/moto-2'),
  'source-live': goTo('/sources/finish-main'),
  'source-failed': goTo('/sources/helicopter'),
  'source-no-media': goTo('/sources/drone'),
  'source-waiting': async (page) => {
    await goTo('/sources/press-room')(page);
    await page.getByRole('button', { name: /Show lines/ }).click();
  },
  'source-legs': goTo('/sources/bonded-van'),
  'source-backup': goTo('/sources/backup-pair'),
  'source-rtmp': async (page) => {
    await goTo('/sources/studio-obs')(page);
    for (const name of [/^youtube-main/, /^to-twitch/]) await page.getByRole('button', { name }).click();
  },
  'source-rtmp-waiting': goTo('/sources/guest-phone'),
  'source-rtp': goTo('/sources/sat-downlink'),
  'source-rtsp': goTo('/sources/parking-camera'),
  'source-file': goTo('/sources/holding-slate'),
  'add-rtmp-source': async (page) => addSource(page, 'rtmp'),
  'add-rtp-source': async (page) => {
    await addSource(page, 'rtp');
    await page.getByText('Second path').click();
  },
  'add-rtsp-source': async (page) => addSource(page, 'rtsp'),
  'add-file-source': async (page) => addSource(page, 'file'),
  'add-restream': async (page) => {
    await goTo('/sources/studio-obs')(page);
    await page.getByRole('button', { name: /Add output/ }).click();
    await page.getByLabel('Kind').selectOption('rtmp');
    await page.getByLabel('Platform').selectOption('twitch');
    await page.locator('dialog .pri').click();
    page.tall = true;
  },
  'add-restream-paste': async (page) => {
    await goTo('/sources/studio-obs')(page);
    await page.getByRole('button', { name: /Add output/ }).click();
    await page.getByLabel('Kind').selectOption('rtmp');
    await page.getByLabel('Platform').selectOption('tiktok');
    page.tall = true;
  },
  'add-rtp-output': async (page) => {
    await goTo('/sources/studio-obs')(page);
    await page.getByRole('button', { name: /Add output/ }).click();
    await page.getByLabel('Kind').selectOption('rtp');
    await page.getByText('Error correction', { exact: false }).first().click();
    page.tall = true;
  },
  'add-rtmp-listener': async (page) => {
    await goTo('/listeners')(page);
    await page.getByRole('button', { name: /Add listener/ }).click();
    await page.getByLabel('Kind').selectOption('rtmp');
    await page.getByText('TLS certificate').click();
    page.tall = true;
  },
  'source-links': goTo('/sources/phone'),
  bans: async (page) => {
    await goTo('/bans')(page);
    await page.getByRole('button', { name: 'Lift' }).first().click();
  },
  'add-ban': async (page) => {
    await goTo('/callers')(page);
    await page.getByRole('button', { name: 'Ban 203.0.113.48' }).click();
  },
  'edit-source': async (page) => {
    await goTo('/sources/bonded-van')(page);
    await page.getByRole('button', { name: /^Edit/ }).first().click();
    await page.getByLabel('Latency').fill('900');
    await page.getByRole('button', { name: /Add another passphrase/ }).click();
    page.tall = true;
  },
  callers: goTo('/callers'),
  listeners: goTo('/listeners'),
  'edit-listener': async (page) => {
    await goTo('/listeners')(page);
    await page.getByRole('button', { name: 'Edit devices' }).click();
    await page.getByLabel('Address and port').fill('9400');
    page.tall = true;
  },
  'source-figures': async (page) => {
    await goTo('/sources/bonded-van')(page);
    await page.getByText('All figures of the connection').click();
  },
  'source-latched': goTo('/sources/two-senders'),
  'source-keys': goTo('/sources/other-key'),
  'add-source': async (page) => {
    await goTo('/')(page);
    await page.getByRole('button', { name: /Add source/ }).click();
    await page.getByLabel('Name').fill('finish-main');
    await page.locator('#passphrase').fill('short');
    await page.locator('dialog .pri').click();
  },
  'add-output': async (page) => {
    await goTo('/sources/town-hall')(page);
    await page.getByRole('button', { name: /Add output/ }).click();
    await page.getByLabel('Kind').selectOption('srt-listener');
    page.tall = true;
  },
  'edit-bonding': async (page) => {
    await goTo('/sources/backup-pair')(page);
    await page.getByRole('button', { name: /to-studio/ }).click();
    await page.locator('.acts').getByRole('button', { name: 'Edit', exact: true }).last().click();
    page.tall = true;
  },
  keys: async (page) => {
    await goTo('/')(page);
    await page.waitForTimeout(500);
    await page.keyboard.press('?');
  },
};

/** The page of a switch, in a state that the mock knows; `then` steers it. */
const program = (variant, then = async () => {}) => Object.assign(async (page) => {
  await goTo('/sources/program')(page);
  await page.locator('.take').waitFor();
  await then(page);
}, { program: variant });
const cut = async (page) => {
  await page.getByRole('button', { name: /^Cut cam1-main on air …/ }).click();
  await page.getByText('cam1-main is cut for 5 s').scrollIntoViewIfNeeded();
};
for (const variant of ['healthy', 'failed', 'slate', 'bad', 'locked', 'lockedbad', 'held', 'latched', 'rehearsed', 'drill', 'drilled', 'settling', 'starting', 'refused', 'twins', 'scheduled', 'missed', 'coming', 'many'])
  screens[`switch-${variant}`] = program(variant);
Object.assign(screens, {
  'switch-drill-question': program('healthy', cut),
  'switch-force': program('missed', async (page) => page.keyboard.press('Enter')),
  'routes-drill': Object.assign(goTo('/'), { program: 'drill' }),
  'routes-slate': Object.assign(goTo('/'), { program: 'slate' }),
  'add-switch': async (page) => {
    await addSource(page, 'switch');
    await page.getByRole('button', { name: 'Add source', exact: true }).last().click();
  },
  'add-switch-edit': program('bad', async (page) => {
    await page.keyboard.press('e');
    for (const part of ['What it acts on', 'Schedule', 'Advanced']) await page.getByText(part, { exact: true }).click();
    await page.getByRole('button', { name: 'Add a time' }).click();
    page.tall = true;
  }),
});

const browser = await launch();
for (const [width, height] of WIDTHS) {
  for (const [name, open] of Object.entries(screens)) {
    if (!name.includes(only)) continue;
    const mock = await startMock({ picture: name.startsWith('source'), program: open.program ?? null });
    const page = await browser.newPage({ viewport: { width, height }, hasTouch: width < 500, timezoneId: 'Europe/Oslo', permissions: ['clipboard-write'] });
    page.base = mock.url;
    page.on('console', (message) => message.type() === 'error' && !message.text().includes('409') && console.log(name, width, message.text()));
    page.on('pageerror', (error) => console.log(name, width, error.message));
    await open(page, mock);
    await page.waitForTimeout(name.startsWith('source') ? 5500 : 2200);
    // A panel scrolls by itself: the whole of it is seen in a tall window.
    if (page.tall) await page.setViewportSize({ width, height: 2000 });
    await page.screenshot({ path: join(folder, `${name}-${width}.png`), fullPage: width < 1000 && !name.includes('add') });
    await page.close();
    mock.stop();
  }
}
await browser.close();
