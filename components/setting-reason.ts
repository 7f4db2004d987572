import type * as z from 'zod';
import { kinds } from '../scripts/model/issue-words.ts';
import { didYouMean } from '../scripts/model/spelling.ts';

/** What is wrong with a value, for somebody who writes YAML; undefined leaves zod's own words. Quotes no secret. */
export function settingReason(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.input === undefined) return 'is missing';
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${nouns[String(issue.expected)] ?? issue.expected}`;
    case 'invalid_value': {
      const words = (issue.values as readonly unknown[]).map(String);
      return `must be one of ${words.join(', ')}${didYouMean(issue.input, words)}`;
    }
    case 'too_small':
      return `must be at least ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}${issue.origin === 'string' ? ' characters long' : ''}`;
    default:
      return undefined;
  }
}

const nouns: typeof kinds = { ...kinds, object: 'an object', record: 'an object' };
