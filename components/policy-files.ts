import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, YAMLParseError } from 'yaml';
import * as z from 'zod';
import { bundleLimitBytes, defaultPolicyFile, noPolicy } from '../scripts/contract.ts';
import { yamlWords } from '../scripts/model/yaml-words.ts';

/** The folder of Pulumi.yaml; everything that a stack names by path lies in it. */
export const projectFolder = fileURLToPath(new URL('..', import.meta.url));

/** A data policy and the SQL files that it names, as they lie on the disk. */
export interface PolicyFiles {
  /** Relative path of the policy, or `none` where that was said; undefined when the project has none. */
  readonly path: string | undefined;
  /** The policy first; paths of SQL files are relative to the policy's folder. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
  /** Changes when any of the files does, whatever the line ends of the machine. */
  readonly hash: string;
}

/** Reads a policy and its SQL files. What the policy says about tables is the engine's to judge. */
export function readPolicyFiles(
  path: string,
  folder: string,
): PolicyFiles & { readonly problems: readonly string[] } {
  if (path === noPolicy) return { path, files: [], hash: hashOf([]), problems: [] };
  const policy = readText(posix.join(folder, path));
  if (policy === undefined) {
    const problems = path === defaultPolicyFile ? [] : [`"${path}" can't be read`];
    return { path: undefined, files: [], hash: hashOf([]), problems };
  }
  const sqlFolder = posix.dirname(path);
  const { paths, problems } = sqlPaths(policy);
  const sqlFiles = paths.map((file) => ({ path: file, text: readText(posix.join(folder, sqlFolder, file)) }));
  const unreadable = sqlFiles.filter((file) => file.text === undefined);
  const files = [{ path: posix.basename(path), text: policy }, ...sqlFiles].flatMap(({ path, text }) =>
    text === undefined ? [] : [{ path, text }],
  );
  return {
    path,
    files,
    hash: hashOf(files),
    problems: [
      ...problems,
      ...unreadable.map((file) => `names "${file.path}", which can't be read`),
      ...files.flatMap(sizeProblem),
    ],
  };
}

/** The provider can't read a file over 1 MiB back: it would be committed once and then stand in the way for good. */
function sizeProblem({ path, text }: PolicyFiles['files'][number]): string[] {
  const bytes = Buffer.byteLength(text);
  return bytes <= bundleLimitBytes
    ? []
    : [`has ${bytes} bytes in "${path}", more than the ${bundleLimitBytes} that may go to GitHub`];
}

const beforePublish = z.looseObject({
  'before-publish': z.looseObject({ sql: z.array(z.string()).optional() }).nullish(),
});

function sqlPaths(policy: string): {
  readonly paths: readonly string[];
  readonly problems: readonly string[];
} {
  let document: unknown;
  try {
    document = parse(policy);
  } catch (error) {
    return { paths: [], problems: [`can’t be read: ${reasonOf(error)}`] };
  }
  const result = beforePublish.safeParse(document ?? {});
  if (!result.success) return { paths: [], problems: ['before-publish.sql must be a list of paths'] };
  const paths = result.data['before-publish']?.sql ?? [];
  const outside = paths.filter((path) => !/^[\w.-][\w./-]*$/.test(path) || path.split('/').includes('..'));
  return {
    paths: paths.filter((path) => !outside.includes(path)),
    problems: outside.map(
      (path) => `names "${path}", which is not a relative path below the policy's folder`,
    ),
  };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof YAMLParseError)) return error instanceof Error ? error.message : String(error);
  const [{ line, col } = { line: 1, col: 1 }] = error.linePos ?? [];
  return `line ${line}, column ${col}: ${yamlWords(error)}`;
}

function hashOf(files: PolicyFiles['files']): string {
  return createHash('sha256')
    .update(JSON.stringify(files.map(({ path, text }) => [path, text])))
    .digest('hex');
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').replaceAll('\r\n', '\n');
  } catch {
    return undefined;
  }
}
