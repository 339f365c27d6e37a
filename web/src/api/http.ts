/** One request to the API. Failures become a Problem, which says what happened and what to do. */
import { inWords } from '../model/sentence';

export class Problem extends Error {
  readonly status: number;
  readonly detail: string;
  readonly advice: string | null;
  /** JSON pointer to the field at fault, where the server names one. */
  readonly pointer: string | null;
  readonly column: number | null;
  /** Everything found wrong, each with its own pointer, when it is more than one thing. */
  readonly parts: ProblemPart[];

  constructor(status: number, title: string, more: Partial<ProblemPart> = {}, parts: ProblemPart[] = []) {
    super(title);
    this.status = status;
    this.detail = more.message ?? '';
    this.advice = more.advice ?? null;
    this.pointer = more.pointer ?? null;
    this.column = more.column ?? null;
    this.parts = parts;
  }

  /** The whole problem as one line of text. */
  get sentence(): string {
    return inWords(this.detail || this.message, this.advice);
  }
}

export interface ProblemPart {
  message: string;
  advice: string | null;
  pointer: string | null;
  /** Where in the request's body, from 1, when no pointer says it. */
  column: number | null;
}

const TIMEOUT_MS = 10_000;

/** `within`: how long the answer may take. */
export async function request<T>(method: string, path: string, body?: unknown, within = TIMEOUT_MS): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (method !== 'GET') headers['X-Tidegate-Csrf'] = '1';
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: 'same-origin',
      signal: AbortSignal.timeout(within),
    });
  } catch {
    throw new Problem(0, 'Tidegate does not answer.', { advice: 'Check the network, then try again.' });
  }
  if (!response.ok) throw await problemOf(response);
  const text = await response.text();
  return (text === '' ? undefined : parse(text)) as T;
}

/** Some answers are plain text; they are returned as they are. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function problemOf(response: Response): Promise<Problem> {
  const fallback = `The server answered ${response.status}.`;
  try {
    const found = (await response.json()) as Record<string, unknown>;
    const whole = { ...partOf(found), message: text(found.detail) ?? '' };
    const parts = Array.isArray(found.problems) ? found.problems.map(partOf) : [];
    return new Problem(response.status, text(found.title) ?? fallback, whole, parts);
  } catch {
    return new Problem(response.status, fallback);
  }
}

function partOf(found: Record<string, unknown>): ProblemPart {
  const column = typeof found.column === 'number' ? found.column : null;
  return { message: text(found.message) ?? '', advice: text(found.advice), pointer: text(found.pointer), column };
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
