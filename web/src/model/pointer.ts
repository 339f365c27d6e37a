/** Finds which value of a JSON text lies at a column, for errors that name a place and no field. */

/** `column` counts bytes from 1, as the server does; the text is one line. */
export function pointerAt(json: string, column: number): string | null {
  const at = new TextDecoder().decode(new TextEncoder().encode(json).slice(0, column - 1)).length;
  const path: (string | number)[] = [];
  const inside: ('{' | '[')[] = [];
  let key = false;
  let found: string | null = null;
  for (let index = 0; index < json.length && index <= at; index += 1) {
    const letter = json.charAt(index);
    if (letter === '"') {
      const end = endOfString(json, index);
      if (end >= json.length) return found;
      if (key) {
        path[path.length - 1] = JSON.parse(json.slice(index, end + 1)) as string;
        key = false;
      }
      index = end;
    } else if (letter === '{' || letter === '[') {
      inside.push(letter);
      path.push(letter === '{' ? '' : 0);
      key = letter === '{';
    } else if (letter === '}' || letter === ']') {
      // What is read as a whole before it is judged is found wrong one letter later.
      if (index === at && !'{['.includes(json.charAt(index - 1))) return found;
      inside.pop();
      path.pop();
    } else if (letter === ',') {
      key = inside.at(-1) === '{';
      const last = path.at(-1);
      if (typeof last === 'number') path[path.length - 1] = last + 1;
    }
    found = path.length > 0 ? `/${path.join('/')}` : null;
  }
  return found;
}

function endOfString(json: string, start: number): number {
  let index = start + 1;
  while (index < json.length && json.charAt(index) !== '"') index += json.charAt(index) === '\\' ? 2 : 1;
  return index;
}
