/** Addresses and networks of IPv4 and IPv6: which lies in which. */

interface Network {
  bits: bigint;
  /** Of `width`. */
  prefix: number;
  width: 32 | 128;
}

/** "203.0.113.0/24", "2001:db8::1", or null for what is neither. An IPv4 address inside IPv6 is the IPv4 one. */
export function parseNetwork(text: string): Network | null {
  const [address = '', length, more] = text.trim().split('/');
  const parsed = more === undefined ? (parseV4(address) ?? parseV6(address)) : null;
  if (!parsed) return null;
  const prefix = length === undefined ? parsed.width : /^\d{1,3}$/.test(length) ? Number(length) : -1;
  return prefix >= 0 && prefix <= parsed.width ? { ...parsed, prefix } : null;
}

function parseV4(text: string): Pick<Network, 'bits' | 'width'> | null {
  const parts = text.split('.');
  if (parts.length !== 4 || parts.some((part) => !/^\d{1,3}$/.test(part) || Number(part) > 255)) return null;
  return { bits: parts.reduce((bits, part) => (bits << 8n) | BigInt(part), 0n), width: 32 };
}

const GROUPS = 8;

function parseV6(text: string): Pick<Network, 'bits' | 'width'> | null {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text);
  if (mapped?.[1]) return parseV4(mapped[1]);
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  const [head = [], tail = []] = groups;
  const missing = GROUPS - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const all = [...head, ...Array<string>(missing).fill('0'), ...tail];
  if (all.some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) return null;
  return { bits: all.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n), width: 128 };
}

export function contains(network: string, address: string): boolean {
  const [outer, inner] = [parseNetwork(network), parseNetwork(address)];
  if (!outer || !inner || outer.width !== inner.width || inner.prefix < outer.prefix) return false;
  const shift = BigInt(outer.width - outer.prefix);
  return outer.bits >> shift === inner.bits >> shift;
}

/** The network a caller can change its address in: the /24 of IPv4, the /64 of IPv6. */
export function neighbourhood(address: string): string | null {
  const parsed = parseNetwork(address);
  if (!parsed || parsed.prefix !== parsed.width) return null;
  if (parsed.width === 32) return address.replace(/\d+$/, '0/24').replace(/^::ffff:/i, '');
  const groups = [0, 1, 2, 3].map((at) => ((parsed.bits >> BigInt(112 - at * 16)) & 0xffffn).toString(16));
  return `${groups.join(':')}::/64`;
}
