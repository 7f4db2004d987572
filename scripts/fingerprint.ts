import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const projectFolder = fileURLToPath(new URL('..', import.meta.url));

/**
 * Changes when the engine does: its sources, or a version of a package that they import, directly or not. Neither the
 * machine's paths and line ends nor the order of package-lock.json count.
 */
export function fingerprintEngine(folder = projectFolder): string {
  const sources = engineSources(folder);
  const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as PackageLock;
  const packages = lockedVersions(lock, importedPackages(sources.map(({ text }) => text)));
  return createHash('sha256')
    .update(JSON.stringify([sources, packages]))
    .digest('hex');
}

interface Source {
  readonly path: string;
  readonly text: string;
}

interface PackageLock {
  readonly packages: Readonly<
    Record<string, { readonly version?: string; readonly dependencies?: Readonly<Record<string, string>> }>
  >;
}

/** Below scripts/, but no part of the engine. */
const notEngine = /^(local|bench)\/|^(fingerprint|bundle)\.ts$/;

function engineSources(folder: string): Source[] {
  const scripts = join(folder, 'scripts');
  return readdirSync(scripts, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => /\.(ts|js|json|sql)$/.test(path) && !notEngine.test(path))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(scripts, path), 'utf8').replaceAll('\r\n', '\n') }));
}

function importedPackages(texts: readonly string[]): string[] {
  const specifiers = texts.flatMap((text) =>
    [...text.matchAll(/(?:from|import|import\()\s*['"]([^.'"][^'"]*)['"]/g)].map((match) => match[1] ?? ''),
  );
  const names = specifiers.filter((specifier) => !specifier.startsWith('node:')).map(packageName);
  return [...new Set(names)];
}

function packageName(specifier: string): string {
  const [scope = '', name = ''] = specifier.split('/');
  return scope.startsWith('@') ? `${scope}/${name}` : scope;
}

/** `path version` of every package that can be reached from the given names, sorted. */
function lockedVersions(lock: PackageLock, names: readonly string[]): string[] {
  const found = new Map<string, string>();
  const visit = (name: string, from: string): void => {
    const path = lockedPath(lock, name, from);
    if (path === undefined || found.has(path)) return;
    const entry = lock.packages[path];
    found.set(path, entry?.version ?? '');
    for (const dependency of Object.keys(entry?.dependencies ?? {})) visit(dependency, `${path}/`);
  };
  for (const name of names) visit(name, '');
  return [...found].map(([path, version]) => `${path} ${version}`).sort();
}

/** Node's own search: the nearest node_modules first, then outwards. */
function lockedPath(lock: PackageLock, name: string, from: string): string | undefined {
  const own = `${from}node_modules/${name}`;
  if (lock.packages[own]) return own;
  if (from === '') return undefined;
  return lockedPath(lock, name, from.slice(0, from.lastIndexOf('node_modules/')));
}
