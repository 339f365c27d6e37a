/** The hand-out of a source or an output, as tabs of lines to copy. */
import type { Handout } from '../api/types';

export interface HandoutTool {
  title: string;
  lines: { label: string; text: string }[];
}

/** Tools in the order of their tabs, and what their one line is called there. */
const TOOLS: Record<string, [title: string, label: string]> = {
  obs: ['OBS', 'Server'],
  ffmpeg: ['FFmpeg', 'Command'],
  vmix: ['vMix', 'Fields'],
  gstreamer: ['GStreamer', 'Command'],
  vlc: ['VLC', 'Stream'],
};
const LAST: Record<string, [title: string, label: string]> = { srt_live_transmit: ['srt-live-transmit', 'Command'] };

const NAMES: Record<string, string> = {
  url: 'URL', host: 'Host', port: 'Port', stream_id: 'Stream ID', passphrase: 'Passphrase', latency_ms: 'Latency, ms',
  app: 'Application', key: 'Stream key', path: 'Path', username: 'User name', password: 'Password',
};

/** Tools that are not known yet get a tab under their own name; everything plain is set by hand. */
export function handoutTools(handout: Handout): HandoutTool[] {
  const tabs = (tools: typeof TOOLS) => Object.entries(tools).map(([key, [title, label]]) => ({ title, lines: linesOf(handout[key], label) }));
  const others = Object.entries(handout)
    .filter(([key, value]) => !(key in TOOLS) && !(key in LAST) && typeof value === 'object')
    .map(([key, value]) => ({ title: capital(key), lines: linesOf(value, 'Line') }));
  const plain = Object.keys(NAMES).map((key) => linesOf(handout[key], NAMES[key] ?? key)).flat();
  return [...tabs(TOOLS), ...others, { title: 'By hand', lines: plain }, ...tabs(LAST)].filter((tool) => tool.lines.length > 0);
}

function linesOf(value: unknown, label: string): HandoutTool['lines'] {
  if (isText(value)) return [{ label, text: String(value) }];
  return Object.entries((value as Record<string, unknown> | null | undefined) ?? {})
    .filter(([, text]) => isText(text))
    .map(([key, text]) => ({ label: NAMES[key] ?? capital(key), text: String(text) }));
}

const isText = (value: unknown): boolean => (typeof value === 'string' && value !== '') || typeof value === 'number';
const capital = (key: string): string => (key.charAt(0).toUpperCase() + key.slice(1)).replaceAll('_', ' ');
