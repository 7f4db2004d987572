import type * as z from 'zod';
import { didYouMean } from './spelling.ts';

/** What zod expects, by its name for it. */
export const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'keys with values',
  record: 'keys with values',
};

/** What is wrong with a value that somebody wrote, in words that need no knowledge of zod. */
export function issueWords(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_value': {
      const names = issue.values.map(String);
      return `has to be ${listed(names)}${didYouMean(issue.input, names)}`;
    }
    case 'invalid_type':
      return `has to be ${kinds[issue.expected] ?? issue.expected}`;
    case 'too_small':
      return issue.origin === 'number' ? `has to be at least ${issue.minimum}` : 'is empty';
    default:
      return issue.message;
  }
}

/** `a, b or c`. */
function listed(words: readonly string[]): string {
  const [last = '', ...others] = words.toReversed();
  return others.length > 0 ? `${others.toReversed().join(', ')} or ${last}` : last;
}
