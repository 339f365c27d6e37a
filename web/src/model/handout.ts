/** The hand-out of a source, as tabs of lines to copy. */
import type { Handout } from '../api/types';

export interface HandoutTool {
  title: string;
  lines: { label: string; text: string }[];
}

const TITLES: Record<string, string> = {
  obs: 'OBS', ffmpeg: 'FFmpeg', srt_live_transmit: 'srt-live-transmit', gstreamer: 'GStreamer', vmix: 'vMix', larix: 'Larix', moblin: 'Moblin',
};
const ORDER = Object.keys(TITLES);

/** Unknown tools are listed under their own name; values that are no text are left out. */
export function handoutTools(handout: Handout): HandoutTool[] {
  const tools: HandoutTool[] = [];
  const plain: HandoutTool['lines'] = [];
  for (const [key, value] of Object.entries(handout)) {
    if (key in TITLES || (value !== null && typeof value === 'object')) {
      const lines = linesOf(value);
      if (lines.length > 0) tools.push({ title: TITLES[key] ?? label(key), lines });
    } else if (isText(value)) plain.push({ label: label(key), text: String(value) });
  }
  tools.sort((one, other) => rank(one) - rank(other));
  if (plain.length > 0) tools.push({ title: 'Other', lines: plain });
  return tools;
}

const isText = (value: unknown): boolean => typeof value === 'string' || typeof value === 'number';

function linesOf(value: unknown): HandoutTool['lines'] {
  if (isText(value)) return [{ label: 'Line', text: String(value) }];
  return Object.entries((value as Record<string, unknown> | null) ?? {})
    .filter(([, text]) => isText(text))
    .map(([key, text]) => ({ label: label(key), text: String(text) }));
}

function rank(tool: HandoutTool): number {
  const at = ORDER.findIndex((key) => TITLES[key] === tool.title);
  return at < 0 ? ORDER.length : at;
}

const NAMES: Record<string, string> = { url: 'URL', stream_id: 'Stream ID', streamid: 'Stream ID', key: 'Stream key', latency_ms: 'Latency, ms' };

function label(key: string): string {
  return NAMES[key] ?? (key.charAt(0).toUpperCase() + key.slice(1)).replaceAll('_', ' ');
}
