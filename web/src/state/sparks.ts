/** The last minute of bitrate of every source, kept here because the stream carries only the present. */
import { readHistory } from '../api/resources';
import { columnsOf, secondsBefore } from '../model/history';
import { SPARK_POINTS } from '../model/spark';

class Sparks {
  #lines = new Map<string, (number | null)[]>();
  #asked = new Set<string>();

  add(source: string, bps: number | null): void {
    const line = this.#lines.get(source) ?? [];
    line.push(bps);
    if (line.length > SPARK_POINTS) line.shift();
    this.#lines.set(source, line);
    if (!this.#asked.has(source)) void this.#fillIn(source);
  }

  of(source: string): (number | null)[] {
    return this.#lines.get(source) ?? [];
  }

  /** Puts what the server remembers in front of what has been seen here. */
  async #fillIn(source: string): Promise<void> {
    this.#asked.add(source);
    try {
      const past = secondsBefore(columnsOf(await readHistory(source)), SPARK_POINTS);
      const seen = this.#lines.get(source) ?? [];
      const missing = SPARK_POINTS - seen.length;
      if (missing > 0) this.#lines.set(source, [...past.slice(0, past.length - seen.length).slice(-missing), ...seen]);
    } catch {
      // The line then grows from now on; the row says everything else.
    }
  }
}

export const sparks = new Sparks();
