import { createHash } from 'node:crypto';
import type { CommitRecord, Signature } from './hub.ts';

/** Git's own name for a content. */
export function blobSha(content: Buffer): string {
  return objectSha('blob', content);
}

/** Git's own name for a set of files, given as path to blob: a tree object for each folder. */
export function treeSha(files: Readonly<Record<string, string>>): string {
  const folders = new Map<string, Record<string, string>>();
  const entries: { readonly name: string; readonly mode: string; readonly sha: string }[] = [];
  for (const [path, sha] of Object.entries(files)) {
    const slash = path.indexOf('/');
    if (slash < 0) {
      entries.push({ name: path, mode: '100644', sha });
    } else {
      const folder = path.slice(0, slash);
      folders.set(folder, { ...folders.get(folder), [path.slice(slash + 1)]: sha });
    }
  }
  for (const [name, inside] of folders) entries.push({ name, mode: '40000', sha: treeSha(inside) });
  // Git sorts by bytes, a folder as if its name ended in a slash.
  const key = ({ name, mode }: (typeof entries)[number]) => Buffer.from(mode === '40000' ? `${name}/` : name);
  entries.sort((one, other) => Buffer.compare(key(one), key(other)));
  const parts = entries.flatMap(({ name, mode, sha }) => [
    Buffer.from(`${mode} ${name}\0`),
    Buffer.from(sha, 'hex'),
  ]);
  return objectSha('tree', Buffer.concat(parts));
}

/** The commit under git's own name for it. */
export function makeCommit(commit: Omit<CommitRecord, 'sha' | 'tree'>): CommitRecord {
  const tree = treeSha(commit.files);
  const lines = [
    `tree ${tree}`,
    ...(commit.parent === null ? [] : [`parent ${commit.parent}`]),
    `author ${signed(commit.author)}`,
    `committer ${signed(commit.committer)}`,
    '',
    commit.message,
  ];
  return { ...commit, tree, sha: objectSha('commit', Buffer.from(lines.join('\n'))) };
}

function signed({ name, email, date }: Signature): string {
  return `${name} <${email}> ${Math.floor(Date.parse(date) / 1000)} +0000`;
}

function objectSha(type: string, content: Buffer): string {
  return createHash('sha1').update(`${type} ${content.length}\0`).update(content).digest('hex');
}
