import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Document, isNode, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { RefreshError } from '../model/errors.ts';
import { issueWords } from '../model/issue-words.ts';
import type { Policy, TableRule } from '../model/policy.ts';
import { nearestWord } from '../model/spelling.ts';
import { type MaskSpec, masks, toRule } from './masks.ts';
import { beforePublishSchema, type PolicyDocument, policySchema, tableSchema } from './policy-schema.ts';

/**
 * Reads a policy file. Everything that is wrong with it is told at once, with its place.
 *
 * @throws RefreshError `bad-policy`, `bad-file` when it can't be read.
 */
export function readPolicyFile(file: string): Policy {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new RefreshError('bad-file', 'the policy can’t be read', {
      object: file,
      hint: '--policy names a YAML file; docs/policy.md explains it',
      cause,
    });
  }
  return parsePolicy(text, file);
}

/** The same for a text. */
export function parsePolicy(text: string, file: string): Policy {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const place = (path: readonly PropertyKey[]): string => {
    for (let length = path.length; length >= 0; length--) {
      const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
      if (!isNode(node) || !node.range) continue;
      const { line, col } = lines.linePos(node.range[0]);
      return `${file}:${line}:${col}`;
    }
    return file;
  };
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ message, pos }) => {
      const { line, col } = lines.linePos(pos[0]);
      return `${file}:${line}:${col}: ${message.split(' at line')[0]?.split('\n')[0]}`;
    });
    throw badPolicy(file, [...new Set(problems)]);
  }
  const parsed = policySchema.safeParse(contentOf(document, file), { reportInput: true });
  if (!parsed.success) {
    const issues = parsed.error.issues.flatMap(unfold);
    throw badPolicy(
      file,
      issues.map((issue) => `${place(issue.path)}: ${nameOf(issue.path)}${explain(issue)}`),
    );
  }
  return toPolicy(parsed.data, file, place);
}

/** An alias may name no anchor, itself, or so much that it would fill the memory. */
function contentOf(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw badPolicy(file, [
      `${file}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
    ]);
  }
}

/** @param problems each with its place. */
export function badPolicy(file: string, problems: readonly string[]): RefreshError {
  const more = problems.length > 20 ? `\n  and ${problems.length - 20} more` : '';
  const list =
    problems.length === 1 ? `: ${problems[0]}` : `:\n  ${problems.slice(0, 20).join('\n  ')}${more}`;
  return new RefreshError('bad-policy', `the policy can’t be followed${list}`, {
    object: file,
    hint: 'docs/policy.md has an example for each key; nothing was touched',
  });
}

type Issue = z.core.$ZodIssue;

/** A value that fits no form of a union: the form that it came nearest to tells what is wrong. */
function unfold(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue];
  const nearest = issue.errors.reduce((best, errors) => (depthOf(errors) >= depthOf(best) ? errors : best));
  return nearest
    .map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }) as Issue)
    .flatMap(unfold);
}

function depthOf(issues: readonly Issue[]): number {
  const kinds: Readonly<Record<string, number>> = { unrecognized_keys: 2, custom: 1, invalid_value: 0.5 };
  return Math.max(0, ...issues.map((issue) => issue.path.length + (kinds[issue.code] ?? 0)));
}

function explain(issue: Issue): string {
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(issue.path);
    return issue.keys
      .map((key) => {
        const meant = nearestWord(key, known);
        const help = meant
          ? `: did you mean ${meant}?`
          : known.length > 0
            ? `; known are ${known.join(', ')}`
            : '';
        return `unknown key ${key}${help}`;
      })
      .join('; ');
  }
  if (issue.code === 'invalid_value' && isMask(issue.path)) {
    const names = issue.values.map(String);
    const meant = typeof issue.input === 'string' ? nearestWord(issue.input, names) : undefined;
    if (meant) return `there is no mask ${String(issue.input)}: did you mean ${meant}?`;
    return `no mask stands by that name alone; those that do are ${names.join(', ')}`;
  }
  return issueWords(issue);
}

function knownKeys(path: readonly PropertyKey[]): string[] {
  if (path.length === 0) return Object.keys(policySchema.shape);
  if (path[0] === 'before-publish') return Object.keys(beforePublishSchema.shape);
  if (path[0] === 'tables' && path.length === 2) return Object.keys(tableSchema.shape);
  return isMask(path) ? [...masks.map(({ name }) => name), 'when'] : [];
}

function isMask(path: readonly PropertyKey[]): boolean {
  return path[0] === 'tables' && path[2] === 'mask' && path.length === 4;
}

function nameOf(path: readonly PropertyKey[]): string {
  return path.length === 0 ? '' : `${path.map(String).join(' → ')}: `;
}

function toPolicy(
  document: PolicyDocument,
  file: string,
  place: (path: readonly PropertyKey[]) => string,
): Policy {
  const before = document['before-publish'] ?? {};
  return {
    file,
    folder: dirname(file),
    unlisted: document.unlisted ?? 'copy',
    largeObjects: document['large-objects'] ?? null,
    tables: Object.entries(document.tables ?? {}).map(([pattern, table]): TableRule => {
      const treatment = table.treatment ?? 'copy';
      return {
        pattern,
        at: place(['tables', pattern]),
        treatment,
        where: table.where ?? null,
        preserve: table.preserve ?? (treatment === 'preserve' ? 'true' : null),
        masks: new Map(
          Object.entries(table.mask ?? {}).map(([column, spec]) => [column, toRule(spec as MaskSpec)]),
        ),
        keep: table.keep ?? [],
        foreignKeys: new Map(Object.entries(table['foreign-keys'] ?? {})),
        references: table.references ?? [],
      };
    }),
    beforePublish: {
      sql: before.sql ?? [],
      command: before.command ?? null,
      commandMinutes: before['command-minutes'] ?? 30,
      check: before.check ?? [],
    },
  };
}
