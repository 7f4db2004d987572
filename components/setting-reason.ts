import type * as z from 'zod';
import { nearestWord } from '../scripts/model/spelling.ts';

/** What is wrong with a value, for somebody who writes YAML; undefined leaves zod's own words. Quotes no secret. */
export function settingReason(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.input === undefined) return 'is missing';
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${nouns[String(issue.expected)] ?? issue.expected}`;
    case 'invalid_value':
      return choice((issue.values as readonly unknown[]).map(String), issue.input);
    case 'too_small':
      return `must be at least ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}${issue.origin === 'string' ? ' characters long' : ''}`;
    default:
      return undefined;
  }
}

const nouns: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

function choice(words: readonly string[], input: unknown): string {
  const nearest = typeof input === 'string' ? nearestWord(input, words) : undefined;
  return `must be one of ${words.join(', ')}${nearest ? `: did you mean ${nearest}?` : ''}`;
}
