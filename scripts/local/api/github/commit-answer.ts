import type { GitHubRequest } from './access.ts';
import { type CommitRecord, nodeId, pageUrl, type RepositoryRecord, repositoryUrl } from './hub.ts';

/**
 * A commit with its git part: message, author and committer are echoed as they were given, for clients compare them.
 * The accounts behind author and committer are unknown here (null), as for any address that belongs to nobody.
 */
export function commitAnswer(request: GitHubRequest, repository: RepositoryRecord, commit: CommitRecord) {
  const { sha, message, author, committer, tree, parent } = commit;
  const api = repositoryUrl(request, repository);
  const html = `${pageUrl(request, repository)}/commit`;
  const parents =
    parent === null ? [] : [{ sha: parent, url: `${api}/commits/${parent}`, html_url: `${html}/${parent}` }];
  const names = {
    sha,
    node_id: nodeId('C', sha),
    url: `${api}/git/commits/${sha}`,
    html_url: `${html}/${sha}`,
  };
  const git = {
    author,
    committer,
    message,
    tree: { sha: tree, url: `${api}/git/trees/${tree}` },
    verification: { verified: false, reason: 'unsigned', signature: null, payload: null, verified_at: null },
  };
  return {
    ...names,
    url: `${api}/commits/${sha}`,
    comments_url: `${api}/commits/${sha}/comments`,
    author: null,
    committer: null,
    parents,
    commit: { ...names, ...git, comment_count: 0, parents },
  };
}
