/** The 60 s bitrate line of a row: from zero, and its top is 135 % of what is expected. */

export const SPARK_POINTS = 60;
const HEADROOM = 1.35;

export interface SparkShape {
  line: string;
  area: string;
}

/** Newest value last; a null is a gap. The line ends at the right edge, however short it still is. */
export function sparkShape(values: (number | null)[], expected: number | null, width: number, height: number): SparkShape {
  const recent = values.slice(-SPARK_POINTS);
  const peak = Math.max(0, ...recent.map((value) => value ?? 0));
  const top = Math.max(expected ? expected * HEADROOM : peak * HEADROOM, peak, 1);
  const step = width / (SPARK_POINTS - 1);
  const first = SPARK_POINTS - recent.length;
  let line = '';
  let area = '';
  let start: string | null = null;
  let last = '';
  recent.forEach((value, index) => {
    const x = ((first + index) * step).toFixed(1);
    if (value === null) {
      if (start !== null) area += `L${last} ${height}L${start} ${height}Z`;
      start = null;
      return;
    }
    const y = (height - (value / top) * height).toFixed(1);
    const pen = start === null ? 'M' : 'L';
    line += `${pen}${x} ${y}`;
    area += `${pen}${x} ${y}`;
    start ??= x;
    last = x;
  });
  if (start !== null) area += `L${last} ${height}L${start} ${height}Z`;
  return { line, area };
}
