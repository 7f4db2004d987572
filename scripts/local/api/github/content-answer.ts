import { Refusal } from '../route.ts';
import type { GitHubRequest } from './access.ts';
import { treeSha } from './git.ts';
import { contentOf } from './history.ts';
import { type CommitRecord, pageUrl, type RepositoryRecord, repositoryUrl, type Schema } from './hub.ts';

/** Up to this size the API hands a file's content out in JSON. */
const inlineLimit = 1024 * 1024;

/** Where something is looked at: the answer's links hold the ref, and clients rely on it. */
export interface Place {
  readonly request: GitHubRequest;
  readonly repository: RepositoryRecord;
  readonly ref: string;
}

/** A file; above 1 MiB its content is left out and its encoding is `none`. `metadata` leaves both out. */
export function fileAnswer(
  place: Place,
  path: string,
  sha: string,
  content: Buffer,
  part: 'whole' | 'metadata' = 'whole',
): Schema['content-file'] | Omit<Schema['content-file'], 'content' | 'encoding'> {
  const entry = { ...links(place, path, sha, 'file'), type: 'file' as const, size: content.length };
  if (part === 'metadata') return entry;
  return content.length > inlineLimit
    ? { ...entry, encoding: 'none', content: '' }
    : { ...entry, encoding: 'base64', content: wrapped(content) };
}

/** What lies directly in a folder. Throws a 404 when there is no such folder. */
export function directoryAnswer(
  place: Place,
  { files }: CommitRecord,
  path: string,
): Schema['content-directory'] {
  const prefix = path === '' ? '' : `${path}/`;
  const inside = Object.entries(files).filter(([file]) => file.startsWith(prefix));
  if (inside.length === 0) throw new Refusal(404, 'Not Found');
  const names = [...new Set(inside.map(([file]) => file.slice(prefix.length).split('/', 1)[0] ?? ''))].sort();
  return names.map((name) => {
    const full = `${prefix}${name}`;
    const sha = files[full];
    if (sha !== undefined) {
      const size = contentOf(place.repository, sha).length;
      return { ...links(place, full, sha, 'file'), type: 'file' as const, size };
    }
    const below = inside.filter(([file]) => file.startsWith(`${full}/`));
    const tree = treeSha(
      Object.fromEntries(below.map(([file, blob]) => [file.slice(full.length + 1), blob])),
    );
    return { ...links(place, full, tree, 'dir'), type: 'dir' as const, size: 0 };
  });
}

function links({ request, repository, ref }: Place, path: string, sha: string, kind: 'file' | 'dir') {
  const api = repositoryUrl(request, repository);
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  const url = `${api}/contents/${encoded}?ref=${encodeURIComponent(ref)}`;
  const git = `${api}/git/${kind === 'file' ? 'blobs' : 'trees'}/${sha}`;
  const html = `${pageUrl(request, repository)}/${kind === 'file' ? 'blob' : 'tree'}/${ref}/${encoded}`;
  const download = kind === 'file' ? `${pageUrl(request, repository)}/raw/${ref}/${encoded}` : null;
  return {
    name: path.slice(path.lastIndexOf('/') + 1),
    path,
    sha,
    url,
    git_url: git,
    html_url: html,
    download_url: download,
    _links: { self: url, git, html },
  };
}

/** GitHub breaks base64 after 60 characters. */
function wrapped(content: Buffer): string {
  return content.toString('base64').replace(/.{1,60}/g, '$&\n');
}
