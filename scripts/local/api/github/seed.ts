import { createHash } from 'node:crypto';
import { blobSha } from './git.ts';
import { commitFiles } from './history.ts';
import { type Hub, type RepositoryRecord, sameName, timestamp } from './hub.ts';
import { newKey } from './sealed-box.ts';

/** A repository that exists from the beginning. */
export interface SeedRepository {
  readonly owner: string;
  readonly name: string;
  /** Private unless said otherwise. */
  readonly private?: boolean;
  /** `main` unless said. */
  readonly defaultBranch?: string;
  /** Further branches, at the same commit. */
  readonly branches?: readonly string[];
  /** Branches that take changes by pull request only. */
  readonly protectedBranches?: readonly string[];
  /** Path to text; a README unless said. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Creates the repositories that the state does not hold yet; those that it holds stay as they are. */
export async function seedRepositories(hub: Hub, seeds: readonly SeedRepository[]): Promise<void> {
  for (const seed of seeds) {
    const { repositories } = hub.state;
    if (repositories.some(({ owner, name }) => sameName(owner, seed.owner) && sameName(name, seed.name)))
      continue;
    repositories.push(await newRepository(hub, seed));
  }
}

async function newRepository(hub: Hub, seed: SeedRepository): Promise<RepositoryRecord> {
  const { owner, name, defaultBranch: default_branch = 'main' } = seed;
  const date = timestamp(hub);
  const repository: RepositoryRecord = {
    id: createHash('sha256').update(`${owner}/${name}`.toLowerCase()).digest().readUInt32BE(0) >>> 1,
    owner,
    name,
    private: seed.private ?? true,
    default_branch,
    created_at: date,
    key: await newKey(),
    branches: {},
    commits: {},
    blobs: {},
    secrets: [],
    variables: [],
    environments: [],
    disabled: {},
    runs: [],
    dispatches: [],
  };
  const files: Record<string, string> = {};
  for (const [path, text] of Object.entries(seed.files ?? { 'README.md': `# ${name}\n` })) {
    const content = Buffer.from(text);
    const sha = blobSha(content);
    files[path] = sha;
    repository.blobs[sha] = content.toString('base64');
  }
  const author = { name: owner, email: `${owner}@users.noreply.github.com`, date };
  const { sha } = commitFiles(repository, default_branch, {
    message: 'Initial commit',
    author,
    committer: author,
    files,
  });
  for (const branch of [default_branch, ...(seed.branches ?? [])]) {
    repository.branches[branch] = { sha, protected: seed.protectedBranches?.includes(branch) ?? false };
  }
  return repository;
}
