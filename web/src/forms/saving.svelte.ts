/** Saves an object and puts what the server objects to beside the field it means. */
import type { Problem } from '../api/http';
import { create, replace, type Collection } from '../api/resources';
import type { Config } from '../api/types';
import { fieldAt } from '../model/drafts/fields';
import { pointerAt } from '../model/pointer';
import { inWords } from '../model/sentence';

export class Saving {
  busy = $state(false);
  errors = $state<Record<string, string>>({});
  /** What belongs to no field. */
  other = $state('');
  /** Something was wrong with the last attempt, in a field or beside. */
  readonly failed = $derived(Object.keys(this.errors).length > 0);
  readonly #collection: Collection;
  readonly #fields: () => string[];

  /** `fields` are JSON pointers into the object, one for each field that can be shown now. */
  constructor(collection: Collection, fields: () => string[]) {
    this.#collection = collection;
    this.#fields = fields;
  }

  /**
   * `faults` are what the form itself found, by field: with any of them nothing is sent.
   * `places` are fields under another name than the server's pointer.
   */
  async save(config: Config, isNew: boolean, faults: Record<string, string> = {}, places: Record<string, string> = {}): Promise<boolean> {
    this.errors = config.name === '' ? { '/name': 'A name is needed.', ...faults } : faults;
    this.other = '';
    if (this.failed) return false;
    this.busy = true;
    try {
      await (isNew ? create : replace)(this.#collection, config);
      return true;
    } catch (problem) {
      this.#place(problem as Problem, config, isNew, places);
      return false;
    } finally {
      this.busy = false;
    }
  }

  #place(problem: Problem, config: Config, isNew: boolean, places: Record<string, string>): void {
    if (problem.status === 409 && isNew) {
      this.errors = { '/name': `${config.name} exists already. Choose another name.` };
      return;
    }
    const whole = { message: problem.detail || problem.message, advice: problem.advice, pointer: problem.pointer, column: problem.column };
    const parts = problem.parts.length > 0 ? problem.parts : [whole];
    const sent = JSON.stringify(config);
    const rest: string[] = [];
    const errors: Record<string, string> = {};
    for (const part of parts) {
      const pointer = part.pointer ?? (part.column === null ? null : pointerAt(sent, part.column));
      const found = fieldAt(pointer, [...this.#fields(), ...Object.keys(places)]);
      const field = found && (places[found] ?? found);
      if (field && !errors[field]) errors[field] = inWords(part.message, part.advice);
      else rest.push(inWords(part.message, part.advice));
    }
    this.errors = errors;
    this.other = rest.join(' ');
  }
}
