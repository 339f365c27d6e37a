/** What a packet filter costs and heals, from its notation. */
import { plural } from './format';

/** "Adds 30 % to the bitrate; rebuilds bursts of up to 10 packets." Empty while it cannot be told. */
export function filterCost(text: string): string {
  const parts = text.trim().split(',');
  if (parts.shift() !== 'fec') return '';
  const of = (key: string) => parts.find((part) => part.startsWith(`${key}:`))?.slice(key.length + 1);
  const cols = Number(of('cols'));
  const rows = Number(of('rows') ?? 1);
  if (!Number.isInteger(cols) || !Number.isInteger(rows) || cols < 2 || rows === 0 || rows === -1) return '';
  const overhead = (rows > 0 ? 1 / cols : 0) + (rows === 1 ? 0 : 1 / Math.abs(rows));
  const heals = rows === 1 ? `one lost packet of ${cols}` : `bursts of up to ${plural(cols, 'packet')}`;
  return `Adds ${Math.round(overhead * 100)} % to the bitrate; rebuilds ${heals}.`;
}
