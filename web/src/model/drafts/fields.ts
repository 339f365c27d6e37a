/** Which field of a form a problem's JSON pointer means. Pointers may start above the object, and end within the field. */
export function fieldAt(pointer: string | null, fields: string[]): string | null {
  if (!pointer) return null;
  const own = pointer.replace(/^\/(sources|outputs|listeners)\/\d+(?=\/)/, '');
  const fits = fields.filter((field) => own === field || own.startsWith(`${field}/`));
  return fits.sort((one, other) => other.length - one.length)[0] ?? null;
}
