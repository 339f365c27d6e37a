/** Where the dashboard is, kept in the fragment of the address so that any server can serve it. */

export type Route = { screen: 'routes' } | { screen: 'source'; name: string } | { screen: 'listeners' } | { screen: 'callers' } | { screen: 'bans' };

export function parseRoute(hash: string): Route {
  const parts = hash.replace(/^#\/?/, '').split('/').filter(Boolean).map(decode);
  if (parts[0] === 'sources' && parts[1] !== undefined) return { screen: 'source', name: parts[1] };
  if (parts[0] === 'listeners') return { screen: 'listeners' };
  if (parts[0] === 'callers') return { screen: 'callers' };
  if (parts[0] === 'bans') return { screen: 'bans' };
  return { screen: 'routes' };
}

export function href(route: Route): string {
  if (route.screen === 'source') return `#/sources/${encodeURIComponent(route.name)}`;
  return route.screen === 'routes' ? '#/' : `#/${route.screen}`;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
