import { describe, expect, it } from 'vitest';
import { adviceLines } from '../../src/model/advice';
import type { LatencyAdvice, SrtFigures } from '../../src/api/types';

const srt = (latency_ms: number, advice: Partial<LatencyAdvice>): SrtFigures =>
  ({ latency_ms, advice: { latency_ms: 220, overhead_percent: 25, enough_now: false, why: ['RTT 50 ms'], ...advice } });

describe('the latency adviser', () => {
  it('says what is set and what to set, and why', () => {
    const lines = adviceLines(srt(120, {}));
    expect(lines?.headline).toBe('120 ms, advised 220 ms');
    expect(lines?.short).toBe(true);
    expect(lines?.why).toEqual(['RTT 50 ms', 'Leave 25 % of the bitrate for repetitions']);
  });
  it('says how far down a latency that is enough could go', () => {
    expect(adviceLines(srt(800, { enough_now: true }))).toMatchObject({ headline: '800 ms is enough; 220 ms would do', short: false });
  });
  it('advises nobody to raise what it just called enough', () => {
    expect(adviceLines(srt(200, { enough_now: true }))?.headline).toBe('200 ms is enough');
  });
  it('says so while too little has been measured', () => {
    const lines = adviceLines(srt(120, { latency_ms: null, overhead_percent: null, enough_now: null, why: ['8 of 30 seconds measured'] }));
    expect(lines).toEqual({ headline: '120 ms, nothing advised yet', short: false, why: ['8 of 30 seconds measured'] });
  });
  it('is silent without advice', () => {
    expect(adviceLines(null)).toBeNull();
    expect(adviceLines({ latency_ms: 120 })).toBeNull();
  });
});
