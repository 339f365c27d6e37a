/** One request to the API. Failures become a Problem, which says what happened and what to do. */

export class Problem extends Error {
  readonly status: number;
  readonly detail: string;
  readonly advice: string | null;
  /** JSON pointer to the field at fault, where the server names one. */
  readonly pointer: string | null;

  constructor(status: number, title: string, detail = '', advice: string | null = null, pointer: string | null = null) {
    super(title);
    this.status = status;
    this.detail = detail;
    this.advice = advice;
    this.pointer = pointer;
  }

  /** The whole problem as one line of text. */
  get sentence(): string {
    return [this.detail || this.message, this.advice].filter(Boolean).join(' ');
  }
}

const TIMEOUT_MS = 10_000;

export async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
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
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new Problem(0, 'Tidegate does not answer.', '', 'Check the network, then try again.');
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
    const text = (key: string): string | null => (typeof found[key] === 'string' ? (found[key] as string) : null);
    return new Problem(response.status, text('title') ?? fallback, text('detail') ?? '', text('advice'), text('pointer'));
  } catch {
    return new Problem(response.status, fallback);
  }
}
