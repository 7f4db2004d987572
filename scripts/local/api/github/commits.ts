import { cutPage } from '../page.ts';
import { param, Refusal } from '../route.ts';
import { commitAnswer } from './commit-answer.ts';
import { findCommit, historyOf, requireBranch } from './history.ts';
import type { RepositoryRoute } from './hub.ts';
import { repositoryUrl } from './hub.ts';
import { listHeaders } from './list.ts';

/** Branches and commits, to read. */
export function commitRoutes(): readonly RepositoryRoute[] {
  return [
    {
      method: 'GET',
      path: '/commits',
      needs: ['contents', 'read'],
      handle(request, repository) {
        const from = findCommit(repository, request.query.get('sha'));
        const page = cutPage(historyOf(repository, from, request.query.get('path')), request.query, 30, 100);
        return {
          status: 200,
          headers: listHeaders(page, request),
          body: page.items.map((commit) => commitAnswer(request, repository, commit)),
        };
      },
    },
    {
      method: 'GET',
      path: '/commits/*ref',
      needs: ['contents', 'read'],
      handle(request, repository) {
        const ref = param(request, 'ref');
        const commit = findCommit(repository, ref);
        if (!commit) throw new Refusal(422, `No commit found for SHA: ${ref}`);
        return { status: 200, body: commitAnswer(request, repository, commit) };
      },
    },
    ...branchRoutes(),
  ];
}

function branchRoutes(): readonly RepositoryRoute[] {
  return [
    {
      method: 'GET',
      path: '/branches',
      needs: ['contents', 'read'],
      handle(request, repository) {
        const page = cutPage(Object.entries(repository.branches), request.query, 30, 100);
        const branches = page.items.map(([name, { sha, protected: isProtected }]) => ({
          name,
          commit: { sha, url: `${repositoryUrl(request, repository)}/commits/${sha}` },
          protected: isProtected,
        }));
        return { status: 200, headers: listHeaders(page, request), body: branches };
      },
    },
    {
      method: 'GET',
      path: '/branches/*branch',
      needs: ['contents', 'read'],
      handle(request, repository) {
        const name = param(request, 'branch');
        const commit = requireBranch(repository, name);
        const isProtected = repository.branches[name]?.protected ?? false;
        const self = `${repositoryUrl(request, repository)}/branches/${name}`;
        return {
          status: 200,
          body: {
            name,
            commit: commitAnswer(request, repository, commit),
            protected: isProtected,
            protection: { enabled: isProtected },
            protection_url: `${self}/protection`,
            _links: { self, html: self },
          },
        };
      },
    },
  ];
}
