import { expect, it } from 'vitest';
import { capital, inWords } from '../../src/model/sentence';

it('makes sentences of what is said with or without a full stop', () => {
  expect(inWords('It does not answer', 'Check the address.')).toBe('It does not answer. Check the address.');
  expect(inWords('Is it on?', null)).toBe('Is it on?');
  expect(inWords('', undefined)).toBe('');
  expect(capital('waiting for the sender')).toBe('Waiting for the sender');
});
