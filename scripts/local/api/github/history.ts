import { Refusal } from '../route.ts';
import { makeCommit } from './git.ts';
import type { CommitRecord, RepositoryRecord, Signature } from './hub.ts';

/** The commit that a branch, a full ref or a commit's sha names; the default branch's when nothing is named. */
export function findCommit(
  repository: RepositoryRecord,
  ref: string | null | undefined,
): CommitRecord | undefined {
  const name = (ref || repository.default_branch).replace(/^(refs\/)?heads\//, '');
  const sha = repository.branches[name]?.sha ?? name;
  return repository.commits[sha];
}

/** Adds a commit to the branch and moves it there. */
export function commitFiles(
  repository: RepositoryRecord,
  branch: string,
  change: {
    readonly message: string;
    readonly author: Signature;
    readonly committer: Signature;
    readonly files: Readonly<Record<string, string>>;
  },
): CommitRecord {
  const parent = repository.branches[branch]?.sha ?? null;
  const commit = makeCommit({ ...change, parent });
  repository.commits[commit.sha] = commit;
  repository.branches[branch] = { protected: false, ...repository.branches[branch], sha: commit.sha };
  return commit;
}

/** The commits that lead to this one, newest first; with a path only those that changed it. */
export function historyOf(
  repository: RepositoryRecord,
  from: CommitRecord | undefined,
  path?: string | null,
): readonly CommitRecord[] {
  const commits: CommitRecord[] = [];
  for (let commit = from; commit; commit = parentOf(repository, commit)) {
    if (!path || commit.files[path] !== parentOf(repository, commit)?.files[path]) commits.push(commit);
  }
  return commits;
}

/** Throws a 404, as GitHub does, unless the branch exists. */
export function requireBranch(repository: RepositoryRecord, name: string): CommitRecord {
  const commit = repository.commits[repository.branches[name]?.sha ?? ''];
  if (!commit) throw new Refusal(404, `Branch ${name} not found`);
  return commit;
}

export function contentOf(repository: RepositoryRecord, sha: string): Buffer {
  return Buffer.from(repository.blobs[sha] ?? '', 'base64');
}

function parentOf(repository: RepositoryRecord, { parent }: CommitRecord): CommitRecord | undefined {
  return parent === null ? undefined : repository.commits[parent];
}
