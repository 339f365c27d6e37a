/** Who uses a passphrase now: that is what says when the old one may go. */
import { plural } from '../format';

/** `used`: the labels of those who are connected. Empty while nobody is. */
export function usedBy(label: string, used: (string | undefined)[], peers: string): string {
  if (used.every((one) => one === undefined)) return '';
  const number = used.filter((one) => one === label).length;
  if (number === 0) return 'Nobody uses it now.';
  return `In use now by ${peers === 'readers' ? plural(number, 'reader') : peers}.`;
}
