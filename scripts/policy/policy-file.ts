import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Document, isNode, LineCounter, parseDocument, visit, type YAMLParseError } from 'yaml';
import type { z } from 'zod';
import { RefreshError } from '../model/errors.ts';
import { issueWords } from '../model/issue-words.ts';
import type { Policy, TableRule } from '../model/policy.ts';
import { nearestWord } from '../model/spelling.ts';
import { markedLine, yamlWords } from '../model/yaml-words.ts';
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
  const told: Told = (complaint, { line, col }) => {
    const marked = markedLine(text, line, col).replaceAll(/^/gm, '    ');
    // A pattern such as *.sessions is taken for an alias, and what the parser says then is about the rest of the line.
    const words = yamlWords(
      /^\s*\d+ \| +[*&]/.test(marked) ? { ...complaint, code: 'BAD_ALIAS' } : complaint,
    );
    return `${file}:${line}:${col}: ${words}\n${marked}`;
  };
  if (document.errors.length > 0) {
    throw badPolicy(
      file,
      unreadable(document, lines).map(({ error, place }) => told(error, place)),
    );
  }
  const parsed = policySchema.safeParse(contentOf(document, file, told, lines), { reportInput: true });
  if (!parsed.success) {
    const issues = parsed.error.issues.flatMap(unfold);
    throw badPolicy(
      file,
      issues.map((issue) => `${place(issue.path)}: ${nameOf(issue.path)}${explain(issue)}`),
    );
  }
  return toPolicy(parsed.data, file, place);
}

type Complaint = Pick<YAMLParseError, 'code' | 'message'>;
type Place = ReturnType<LineCounter['linePos']>;
type Told = (complaint: Complaint, place: Place) => string;

/** One slip makes the parser stumble several times: of a line the first complaint is told, of the file the first three. */
const mostComplaints = 3;

function unreadable(document: Document, lines: LineCounter): { error: YAMLParseError; place: Place }[] {
  const seen = new Set<number>();
  return (document.errors as YAMLParseError[])
    .map((error) => ({ error, place: lines.linePos(beginningOf(document, error)) }))
    .filter(({ place }) => seen.size < seen.add(place.line).size)
    .slice(0, mostComplaints);
}

/** What is never closed is noticed where something else begins; people look for where it was opened. */
function beginningOf(document: Document, { message, pos }: YAMLParseError): number {
  if (!/Missing closing|end with an? [}\]]/.test(message)) return pos[0];
  let begun = -1;
  visit(document, {
    Node: (_, node) => {
      const from = node.range?.[0] ?? -1;
      const opens = 'flow' in node ? node.flow === true : 'type' in node && /^QUOTE/.test(String(node.type));
      if (opens && from <= pos[0]) begun = Math.max(begun, from);
    },
  });
  return begun < 0 ? pos[0] : begun;
}

/** An alias may name no anchor, itself, or so much that it would fill the memory. */
function contentOf(document: Document, file: string, told: Told, lines: LineCounter): unknown {
  try {
    return document.toJS();
  } catch (error) {
    const loose: number[] = [];
    visit(document, {
      Alias: (_, alias) => {
        if (!alias.resolve(document)) loose.push(alias.range?.[0] ?? 0);
      },
    });
    const complaint = { code: 'BAD_ALIAS', message: String(error) } as const;
    const [at] = loose;
    throw badPolicy(file, [
      at === undefined
        ? `${file}: an alias refers to itself, or to too much`
        : told(complaint, lines.linePos(at)),
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
        const [name = ''] = key.split(':');
        if (name !== key && known.includes(name)) return `a space is missing after "${name}:"`;
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
    const mask = masks.find(({ name }) => name === issue.input);
    if (mask) return `${mask.name} needs to be told more, as in { ${mask.name}: … }: ${mask.about}`;
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
