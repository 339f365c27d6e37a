// What a reader, a keyboard and weak eyes need of a page, looked for in the page itself. It runs in the browser.

/** Everything found wrong, in words; an empty list is well. */
export const faultsOf = (page) => page.evaluate(() => {
  const found = [];
  const shown = (element) => element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) && element.getClientRects().length > 0 && !element.closest('.sr, [aria-hidden="true"], .sprite');
  const say = (what, element) => found.push(`${what}: <${element.tagName.toLowerCase()} class="${element.getAttribute('class') ?? ''}"> ${(element.textContent ?? '').trim().replace(/\s+/g, ' ').slice(0, 60)}`);
  // Behind an open panel nothing can be reached.
  const root = document.querySelector('dialog[open]') ?? document.body;
  const all = [...root.querySelectorAll('*')].filter(shown);

  const named = (element) => {
    const by = (element.getAttribute('aria-labelledby') ?? '').split(' ').filter(Boolean).map((id) => document.getElementById(id)?.textContent ?? '').join('');
    const labels = [...(element.labels ?? [])].map((label) => label.textContent).join('');
    return (element.getAttribute('aria-label') ?? '') + by + labels + (element.matches('input, select, video') ? '' : element.textContent) + (element.getAttribute('title') ?? '');
  };
  for (const element of all.filter((one) => one.matches('a[href], button, input, select, summary, video, dialog, [role=group], [role=grid]'))) if (named(element).trim() === '') say('has no name', element);

  for (const element of all) for (const attribute of ['aria-describedby', 'aria-labelledby', 'aria-controls'])
    for (const id of (element.getAttribute(attribute) ?? '').split(' ').filter(Boolean))
      // A hint that is not there now is none.
      if (attribute !== 'aria-describedby' && !document.getElementById(id)) say(`${attribute} points nowhere (${id})`, element);
  const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);
  for (const id of new Set(ids.filter((one, at) => ids.indexOf(one) !== at))) found.push(`id twice: ${id}`);
  for (const element of root.querySelectorAll('[tabindex]')) if (Number(element.getAttribute('tabindex')) > 0) say('jumps the order of focus', element);
  if (root === document.body && document.querySelectorAll('h1').length !== 1) found.push(`${document.querySelectorAll('h1').length} headings of the first level`);

  // Targets: 24 px, on touch 44 px high; links in running text are as high as it.
  const touch = matchMedia('(pointer: coarse)').matches;
  for (const element of all.filter((one) => one.matches('button, select, input:not([type=checkbox])'))) {
    const { width, height } = (element.closest('.field') ?? element).getBoundingClientRect();
    if (height < (touch && element.matches('.btn') ? 44 : 24) - 0.5 || width < 23.5) say(`only ${Math.round(width)} × ${Math.round(height)} px`, element);
  }

  // Contrast: 4.5, of large text 3; what cannot be used now is exempt.
  const rgb = (text) => { const [r = 0, g = 0, b = 0, a = 1] = (text.match(/[\d.]+/g) ?? []).map(Number); return { r, g, b, a }; };
  const over = (top, under) => ({ r: top.r * top.a + under.r * (1 - top.a), g: top.g * top.a + under.g * (1 - top.a), b: top.b * top.a + under.b * (1 - top.a), a: 1 });
  const light = ({ r, g, b }) => { const [x, y, z] = [r, g, b].map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4)); return 0.2126 * x + 0.7152 * y + 0.0722 * z; };
  const ground = (element) => (element === null ? { r: 14, g: 17, b: 19, a: 1 } : over(rgb(getComputedStyle(element).backgroundColor), rgb(getComputedStyle(element).backgroundColor).a === 1 ? { r: 0, g: 0, b: 0, a: 1 } : ground(element.parentElement)));
  for (const element of all) {
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '') || element.closest('[disabled], [aria-disabled=true], option')) continue;
    const style = getComputedStyle(element);
    const under = ground(element);
    const [high, low] = [light(over(rgb(style.color), under)), light(under)].sort((one, other) => other - one);
    const ratio = (high + 0.05) / (low + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.5 && Number(style.fontWeight) >= 600);
    if (ratio < (large ? 3 : 4.5)) say(`contrast only ${ratio.toFixed(1)}`, element);
  }

  const wide = document.documentElement.scrollWidth - innerWidth;
  if (wide > 0) found.push(`${wide} px too wide`);
  return found;
});

/** Every stop of the Tab key must be seen. Returns those that are not. */
export async function unseenStops(page, most = 80) {
  const unseen = [];
  for (let at = 0; at < most; at += 1) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return null;
      if (element.dataset.walked) return 'again';
      element.dataset.walked = '1';
      const ring = (one) => one && getComputedStyle(one).outlineStyle !== 'none' && parseFloat(getComputedStyle(one).outlineWidth) >= 2;
      return ring(element) || ring(element.closest('.field')) ? 'seen' : `${element.tagName} ${element.textContent.trim().slice(0, 40)}`;
    });
    if (stop === null || stop === 'again') break;
    if (stop !== 'seen') unseen.push(stop);
  }
  return unseen;
}
