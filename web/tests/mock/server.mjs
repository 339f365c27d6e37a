// Serves the built dashboard with a made-up API, for screenshots and browser tests. It never ships.
import { spawn } from 'node:child_process';
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { moved } from './switches.mjs';
import * as scenario from './scenario.mjs';

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));
/** What the real server says of its settings and of platforms. */
const repository = (path) => JSON.parse(readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8'));
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.m3u8': 'application/vnd.apple.mpegurl', '.m4s': 'video/mp4', '.mp4': 'video/mp4' };
// The policy the real server is asked to send, so that the dashboard is tried under it.
const POLICY = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; media-src 'self' blob:; img-src 'self' data:";

/** Starts on a free port. `picture`: a live HLS test picture made by ffmpeg. `program`: in what state the switch is (`variants`). */
export async function startMock({ picture = false, empty = false, loggedIn = true, program = null } = {}) {
  const started = Date.now();
  const state = { program, empty, loggedIn, extra: [], quiet: false, silent: null, refuse: null, objects: null, steered: [], stands: {}, writes: [], bans: empty ? [] : scenario.bans(started) };
  const streams = new Set();
  const media = picture ? startPicture() : null;

  const message = () => {
    const now = Date.now();
    return {
      now: new Date(now).toISOString(), revision: 7, listeners: scenario.listeners(),
      sources: state.empty ? state.extra : [...scenario.sources(now, started, state.program), ...state.extra].map(silenced).map((source) => moved(source, state.stands[source.name])),
      outputs: state.empty ? [] : scenario.outputs(), alarms: state.empty ? [] : scenario.alarms(now, started),
    };
  };
  /** Nothing of it arrives any more, without its connection having ended. */
  const silenced = (source) => (source.name === state.silent ? { ...source, last_packet_age_ms: 60_000 } : source);
  const push = (stream, kind, data) => stream.write(`event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`);
  const beat = setInterval(() => {
    if (!state.quiet) for (const stream of streams) push(stream, 'state', message());
  }, 1000);

  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    const json = (code, body, type = 'application/json') => {
      response.writeHead(code, { 'Content-Type': type });
      response.end(body === undefined ? '' : JSON.stringify(body));
    };
    const problem = (code, title, more = {}) => json(code, { type: 'about:blank', title, status: code, ...more }, 'application/problem+json');
    if (pathname === '/api/v1/session') return session(request, state, json, problem);
    if (pathname.startsWith('/api/') && !state.loggedIn) return problem(401, 'Log in first.');
    if (pathname === '/api/v1/stream') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
      streams.add(response);
      request.on('close', () => streams.delete(response));
      return push(response, 'state', message());
    }
    if (pathname.startsWith('/api/')) return api(request, pathname, message(), state, json, problem);
    if (pathname.startsWith('/hls/')) return file(response, media, pathname.split('/').at(-1));
    return file(response, DIST, pathname === '/' ? 'index.html' : pathname);
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    state,
    event: (event) => streams.forEach((stream) => push(stream, 'event', event)),
    stop: () => {
      clearInterval(beat);
      for (const stream of streams) stream.destroy();
      server.closeAllConnections();
      server.close();
      media?.stop();
    },
  };
}

async function session(request, state, json, problem) {
  if (request.method === 'DELETE') state.loggedIn = false;
  if (request.method === 'POST') {
    if ((await body(request)).password !== 'correct') return problem(401, 'Wrong user or password.');
    state.loggedIn = true;
  }
  if (request.method === 'GET') return state.loggedIn ? json(200, { user: 'admin' }) : problem(401, 'Log in first.');
  return json(204);
}

async function api(request, pathname, message, state, json, problem) {
  const [kind, name, part] = pathname.slice('/api/v1/'.length).split('/').map(decodeURIComponent);
  const now = Date.now();
  if (request.method !== 'GET') return write(request, kind, name, part, message, state, json, problem);
  if (kind === 'system') return json(200, { version: '0.1.0', public_host: 'live.example.net' });
  if (kind === 'openapi.json') return json(200, repository('server/openapi.json'));
  if (kind === 'platforms') return json(200, repository('protocols/platforms/platforms.json'));
  if (kind === 'rejections') return json(200, state.empty ? [] : scenario.rejections(now));
  if (kind === 'bans') return json(200, state.bans);
  if (kind === 'events') return json(200, scenario.events(now, state.program));
  if (kind === 'sources' && part === 'history') {
    const found = scenario.history(now, name);
    return found ? json(200, found) : json(200, { interval_ms: 1000, points: [] });
  }
  if (kind === 'sources' && name) return json(200, scenario.inFull(message.sources.find((one) => one.name === name)));
  if (kind === 'handout') {
    const wanted = new URL(request.url, 'http://localhost').searchParams;
    const passphrase = wanted.has('user') ? `${wanted.get('user')}-${wanted.get('passphrase') ?? 'only'}-w8d3f6h5j2n7` : 'k7m2q9x4w8d3f6h5j2n7';
    const url = `srt://live.example.net:9000?mode=caller&streamid=harbour/${part}&passphrase=${passphrase}&latency=200000`;
    return json(200, { name: part, host: 'live.example.net', port: 9000, stream_id: `harbour/${part}`, passphrase, latency_ms: 200, vmix: 'Type: SRT Caller\nHostname: live.example.net\nPort: 9000', url, obs: url, ffmpeg: `ffmpeg -re -i input.mp4 -c copy -f mpegts "${url}"`, srt_live_transmit: `srt-live-transmit udp://:5000 "${url}"` });
  }
  return problem(404, 'There is nothing here.');
}

async function write(request, kind, name, act, message, state, json, problem) {
  if (request.headers['x-tidegate-csrf'] !== '1') return problem(403, 'The request did not come from the dashboard.');
  const config = request.method === 'DELETE' ? null : await body(request);
  if (kind === 'sources' && act) return steer(name, act, config, state, json, problem);
  state.writes.push({ method: request.method, kind, name, config });
  if (state.objects) return problem(422, 'It cannot be so.', state.objects);
  if (kind === 'bans') return ban(request, name, config, state, json, problem);
  if (request.method === 'DELETE') state.extra = state.extra.filter((one) => one.name !== name);
  if (request.method === 'POST' && message[kind].some((one) => one.name === config.name))
    return problem(409, `${config.name} exists already.`, { detail: `A source named ${config.name} exists already.`, advice: 'Choose another name.', pointer: '/name' });
  if (config?.srt?.passphrase && config.srt.passphrase !== '•••' && typeof config.srt.passphrase === 'string' && config.srt.passphrase.length < 10)
    return problem(422, 'The passphrase is too short.', { detail: 'A passphrase has 10 to 79 characters; this one has ' + config.srt.passphrase.length + '.', advice: 'Generate one.', pointer: '/srt/passphrase' });
  if (request.method === 'POST' && kind === 'sources')
    state.extra.push({ ...message.sources.at(-1) ?? {}, name: config.name, kind: config.srt ? 'srt' : Object.keys(config).find((key) => key !== 'name'), mode: config.srt?.call ? 'caller' : 'listener', config, state: 'waiting', connection: 'disconnected', connection_reason: 'Nobody has connected yet.', connected_at: null, health: 'error', reasons: [], bitrate_bps: 0, last_packet_age_ms: null, peer: null, srt: null, media: null, expect: config.expect ?? null, error: null, url: null });
  return json(request.method === 'POST' ? 201 : 200, config ?? undefined);
}

/** A take comes on air at once; a drill on air wants its confirmation. */
function steer(name, act, wanted, state, json, problem) {
  state.steered.push({ name, act, ...wanted });
  if (state.refuse) return problem(409, 'Conflict', { detail: state.refuse, advice: 'Unlock it first.' });
  if (act === 'drill' && wanted.on_air && wanted.confirm !== name) return problem(409, 'Conflict', { detail: 'cam1-main is cut for 5 s, and cam1-backup goes on air.', advice: 'Confirm with the name of the switch.' });
  const now = Date.now();
  const cut = { input: wanted.input, since: new Date(now).toISOString(), ends_at: new Date(now + 10_000).toISOString(), by: 'admin' };
  const stands = { take: { active: wanted.input, drill: null }, drill: wanted.on_air ? { active: 'cam1-backup', drill: cut } : {}, lock: { locked: true }, unlock: { locked: false }, hold: { held: wanted.on } }[act];
  state.stands[name] = { ...state.stands[name], ...stands };
  return json(200, {});
}

function ban(request, id, wanted, state, json, problem) {
  if (request.method === 'DELETE') {
    state.bans = state.bans.filter((one) => String(one.id) !== id);
    return json(204);
  }
  if (wanted.address.endsWith('/0')) return problem(422, 'Unprocessable Entity', { detail: 'That bans everybody.', advice: 'Remove the listener instead.', pointer: '/address' });
  const made = { id: 90 + state.bans.length, address: wanted.address, reason: wanted.reason, by: 'admin', since: new Date().toISOString() };
  if (wanted.duration) made.until = new Date(Date.now() + 86_400_000).toISOString();
  state.bans = [...state.bans.filter((one) => one.address !== wanted.address), made];
  return json(201, made);
}

async function body(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return JSON.parse(text || '{}');
}

function file(response, folder, name) {
  const path = folder ? join(typeof folder === 'string' ? folder : folder.path, normalize(`/${name}`)) : '';
  if (!folder || !existsSync(path) || !statSync(path).isFile()) return response.writeHead(404).end();
  response.writeHead(200, { 'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream', 'Content-Security-Policy': POLICY, 'Cache-Control': 'no-store' });
  createReadStream(path).pipe(response);
}

function startPicture() {
  const path = mkdtempSync(join(tmpdir(), 'tidegate-picture-'));
  const source = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=25', '-f', 'lavfi', '-re', '-i', 'sine=frequency=440:sample_rate=48000'];
  const encode = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '25', '-c:a', 'aac'];
  const hls = ['-f', 'hls', '-hls_time', '1', '-hls_list_size', '6', '-hls_segment_type', 'fmp4', '-hls_flags', 'delete_segments', join(path, 'index.m3u8')];
  const child = spawn('ffmpeg', ['-loglevel', 'error', ...source, ...encode, ...hls], { stdio: 'ignore' });
  return {
    path,
    stop: () => {
      child.once('exit', () => rmSync(path, { recursive: true, force: true }));
      child.kill('SIGKILL');
    },
  };
}
