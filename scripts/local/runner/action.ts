import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, matchesGlob, relative } from 'node:path';
import { zipOf } from '../api/github/zip.ts';

export interface UploadedArtifact {
  readonly name: string;
  readonly zip: Buffer;
}

export interface ActionOptions {
  readonly inputs: Readonly<Record<string, string>>;
  readonly workspace: string;
  /** Files of a branch: path to content. */
  readonly files: (branch: string) => ReadonlyMap<string, Buffer>;
  readonly say: (line: string) => void;
  readonly upload: (artifact: UploadedArtifact) => void;
}

/** The actions that the rendered workflow uses, as far as it uses them. Throws for any other. */
export async function useAction(uses: string, options: ActionOptions): Promise<void> {
  const [name = ''] = uses.split('@');
  switch (name) {
    case 'actions/checkout':
      return await checkOut(options);
    case 'actions/setup-node':
      return options.say(`Node ${process.version}`);
    // Without `command` it installs the CLI and does nothing else: here it has to be on the PATH.
    case 'pulumi/actions':
      return requireOnlyInstalled(options);
    case 'actions/upload-artifact':
      return await uploadArtifact(options);
    default:
      throw new Error(`the local runner has no action ${name}`);
  }
}

function requireOnlyInstalled({ inputs, say }: ActionOptions): void {
  if (inputs.command !== undefined) throw new Error('the local runner lets pulumi/actions install alone');
  say('the CLI of this machine');
}

async function checkOut({ inputs, workspace, files, say }: ActionOptions): Promise<void> {
  const folder = inputs['sparse-checkout'];
  const wanted = [...files(inputs.ref ?? '')].filter(([path]) => !folder || path.startsWith(`${folder}/`));
  if (wanted.length === 0) throw new Error(`branch ${inputs.ref} holds nothing in ${folder}`);
  for (const [path, content] of wanted) {
    await mkdir(dirname(join(workspace, path)), { recursive: true });
    await writeFile(join(workspace, path), content);
  }
  say(`${wanted.length} files of ${inputs.ref}`);
}

async function uploadArtifact({ inputs, workspace, say, upload }: ActionOptions): Promise<void> {
  const patterns = (inputs.path ?? '').split('\n').filter((line) => line !== '');
  const excluded = patterns.flatMap((pattern) => (pattern.startsWith('!') ? [pattern.slice(1)] : []));
  const included = patterns.filter((pattern) => !pattern.startsWith('!'));
  const paths = (await listFiles(workspace))
    .filter((path) => included.some((pattern) => isIn(path, pattern)))
    .filter((path) => !excluded.some((pattern) => isIn(path, pattern)));
  const { name = 'artifact' } = inputs;
  if (paths.length === 0) {
    if (inputs['if-no-files-found'] !== 'ignore') say(`::warning::No files were found for ${name}`);
    return;
  }
  // One folder is the archive's root; several paths have theirs in common.
  const [only = '', ...others] = included;
  const root = others.length === 0 && only.endsWith('/') ? join(workspace, only) : workspace;
  const entries = await Promise.all(
    paths.map(async (path) => ({
      name: relative(root, join(workspace, path)),
      content: await readFile(join(workspace, path)),
    })),
  );
  upload({ name, zip: zipOf(entries) });
  say(`uploaded ${name}: ${entries.map((entry) => entry.name).join(', ')}`);
}

function isIn(path: string, pattern: string): boolean {
  return pattern.endsWith('/') ? path.startsWith(pattern) : matchesGlob(path, pattern);
}

async function listFiles(folder: string): Promise<string[]> {
  const paths = await readdir(folder, { recursive: true });
  const facts = await Promise.all(paths.map((path) => stat(join(folder, path))));
  return paths.filter((_, index) => facts[index]?.isFile()).toSorted();
}
