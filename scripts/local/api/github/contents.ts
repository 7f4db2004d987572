import * as z from 'zod';
import { parseBody } from '../body.ts';
import { type Answer, param, Refusal } from '../route.ts';
import { type GitHubRequest, requirePermission } from './access.ts';
import { commitAnswer } from './commit-answer.ts';
import { directoryAnswer, fileAnswer } from './content-answer.ts';
import { blobSha } from './git.ts';
import { commitFiles, contentOf, findCommit, requireBranch } from './history.ts';
import type { CommitRecord, Hub, RepositoryRecord, RepositoryRoute, Signature } from './hub.ts';
import { timestamp } from './hub.ts';

const person = z.object({
  name: z.string(),
  email: z.string(),
  date: z.iso.datetime({ offset: true }).optional(),
});
const supplied = (name: string) => ({ error: `Invalid request.\n\n"${name}" wasn't supplied.` });

const changeSchema = z.object({
  message: z.string(supplied('message')).min(1),
  sha: z.string().nullish(),
  branch: z.string().nullish(),
  author: person.nullish(),
  committer: person.nullish(),
});
const fileSchema = changeSchema.extend({
  content: z.string(supplied('content')).transform((text) => text.replace(/\s/g, '')),
});

type Change = z.infer<typeof changeSchema>;

/** Who GitHub names as the committer when the request does not say. */
const webFlow = { name: 'GitHub', email: 'noreply@github.com' };

export function contentRoutes(hub: Hub): readonly RepositoryRoute[] {
  return [
    { method: 'GET', path: '/contents', needs: ['contents', 'read'], handle: show },
    { method: 'GET', path: '/contents/*path', needs: ['contents', 'read'], handle: show },
    {
      method: 'PUT',
      path: '/contents/*path',
      needs: ['contents', 'write'],
      handle: (request, repository) => put(hub, request, repository),
    },
    {
      method: 'DELETE',
      path: '/contents/*path',
      needs: ['contents', 'write'],
      handle: (request, repository) => remove(hub, request, repository),
    },
  ];
}

function show(request: GitHubRequest, repository: RepositoryRecord): Answer {
  const path = (request.params.path ?? '').replace(/\/$/, '');
  const ref = request.query.get('ref');
  const commit = findCommit(repository, ref);
  if (!commit) throw new Refusal(404, `No commit found for the ref ${ref}`);
  const place = { request, repository, ref: ref || repository.default_branch };
  const sha = commit.files[path];
  if (sha === undefined) return { status: 200, body: directoryAnswer(place, commit, path) };
  if (/application\/vnd\.github(\.v3)?\.raw/.test(request.headers.accept ?? '')) {
    const headers = { 'content-type': 'application/vnd.github.raw+json; charset=utf-8' };
    return { status: 200, headers, body: contentOf(repository, sha) };
  }
  return { status: 200, body: fileAnswer(place, path, sha, contentOf(repository, sha)) };
}

function put(hub: Hub, request: GitHubRequest, repository: RepositoryRecord): Answer {
  const path = writablePath(request, repository);
  const change = parseBody(fileSchema, request.body);
  const { branch, head, present } = openForChange(repository, path, change, 'update');
  const content = Buffer.from(change.content, 'base64');
  if (content.toString('base64').replace(/=+$/, '') !== change.content.replace(/=+$/, '')) {
    throw new Refusal(422, 'content is not valid Base64');
  }
  const sha = blobSha(content);
  repository.blobs[sha] = content.toString('base64');
  const commit = commitFiles(repository, branch, {
    ...signatures(hub, request, change),
    files: { ...head.files, [path]: sha },
  });
  return {
    status: present === undefined ? 201 : 200,
    body: {
      content: fileAnswer({ request, repository, ref: branch }, path, sha, content, 'metadata'),
      commit: commitAnswer(request, repository, commit).commit,
    },
  };
}

function remove(hub: Hub, request: GitHubRequest, repository: RepositoryRecord): Answer {
  const path = writablePath(request, repository);
  const query = Object.fromEntries(request.query);
  const change = parseBody(changeSchema, request.body ?? query);
  const { branch, head, present } = openForChange(repository, path, change, 'delete');
  if (present === undefined) throw new Refusal(404, 'Not Found');
  const { [path]: _, ...files } = head.files;
  const commit = commitFiles(repository, branch, { ...signatures(hub, request, change), files });
  return { status: 200, body: { content: null, commit: commitAnswer(request, repository, commit).commit } };
}

/** A path that may be written with this token: workflow files need a right of their own. */
function writablePath(request: GitHubRequest, repository: RepositoryRecord): string {
  const path = param(request, 'path');
  if (path.split('/').some((part) => part === '' || part === '.' || part === '..' || part === '.git')) {
    throw new Refusal(422, 'path contains a malformed path component');
  }
  if (path.startsWith('.github/workflows/'))
    requirePermission(request.access, repository, 'workflows', 'write');
  return path;
}

/**
 * The branch's head and the file's present blob. The order is GitHub's: the branch first, then the sha, which is
 * ignored for a file that is not there.
 */
function openForChange(
  repository: RepositoryRecord,
  path: string,
  { branch: wanted, sha }: Change,
  verb: 'update' | 'delete',
): { readonly branch: string; readonly head: CommitRecord; readonly present: string | undefined } {
  const branch = (wanted || repository.default_branch).replace(/^refs\/heads\//, '');
  const head = requireBranch(repository, branch);
  const present = head.files[path];
  if (present !== undefined && !sha) throw new Refusal(422, supplied('sha').error);
  if (present !== undefined && present !== sha) throw new Refusal(409, `${path} does not match ${sha}`);
  if (repository.branches[branch]?.protected) {
    const action = present === undefined ? 'create' : verb;
    throw new Refusal(409, `Could not ${action} file: Changes must be made through a pull request.`);
  }
  return { branch, head, present };
}

function signatures(
  hub: Hub,
  { access }: GitHubRequest,
  { message, author, committer }: Change,
): { readonly message: string; readonly author: Signature; readonly committer: Signature } {
  const now = timestamp(hub);
  const owner = { name: access.login, email: `${access.login}@users.noreply.github.com` };
  return {
    message,
    author: { date: now, ...dated(author ?? committer ?? owner) },
    committer: { date: now, ...dated(committer ?? author ?? webFlow) },
  };
}

function dated({ name, email, date }: z.infer<typeof person>): Omit<Signature, 'date'> & { date?: string } {
  return { name, email, ...(date !== undefined && { date }) };
}
