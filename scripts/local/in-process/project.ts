import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, YAMLParseError } from 'yaml';
import { RefreshError } from '../../model/errors.ts';
import { yamlWords } from '../../model/yaml-words.ts';
import { isObject, type Properties, type Property } from './property.ts';

export interface Project {
  readonly name: string;
  readonly main: string;
  /** Defaults that the project's `config` block declares, by full key, as the SDK reads config: text, or JSON. */
  readonly defaults: Readonly<Record<string, string>>;
  readonly secretKeys: readonly string[];
}

/** Reads `Pulumi.yaml`. Fails with `bad-file` when it names no project. */
export async function readProject(folder: string): Promise<Project> {
  const path = join(folder, 'Pulumi.yaml');
  const content = await readYaml(path);
  const name = isObject(content) ? content.name : undefined;
  if (!isObject(content) || typeof name !== 'string') {
    throw new RefreshError('bad-file', 'the project file names no project', {
      object: path,
      hint: 'its first line is name: staging-refresh',
    });
  }
  const declared = isObject(content.config) ? content.config : {};
  const entries = Object.entries(declared).map(([key, value]) => ({
    key: fullKey(name, key),
    ...declarationOf(value),
  }));
  return {
    name,
    main: typeof content.main === 'string' ? content.main : 'index.ts',
    defaults: Object.fromEntries(
      entries.flatMap(({ key, preset }) => (preset === null ? [] : [[key, configText(preset)]])),
    ),
    secretKeys: entries.filter(({ secret }) => secret).map(({ key }) => key),
  };
}

async function readYaml(path: string): Promise<Property> {
  try {
    return parse(await readFile(path, 'utf8'));
  } catch (cause) {
    if (!(cause instanceof YAMLParseError)) throw cause;
    const [{ line, col } = { line: 1, col: 1 }] = cause.linePos ?? [];
    throw new RefreshError('bad-file', `line ${line}, column ${col}: ${yamlWords(cause)}`, {
      object: path,
      hint: 'correct that line, or take the file back from git',
    });
  }
}

/** As the SDK reads config: strings as they are, anything else as JSON. */
export function configText(value: Property): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function fullKey(project: string, key: string): string {
  return key.includes(':') ? key : `${project}:${key}`;
}

function declarationOf(value: Property): { preset: Property; secret: boolean } {
  if (!isObject(value)) return { preset: value, secret: false };
  const declaration: Properties = value;
  return {
    preset: declaration.default ?? declaration.value ?? null,
    secret: declaration.secret === true,
  };
}
