import { type Page, pageLinks } from '../page.ts';
import type { GitHubRequest } from './access.ts';

/** GitHub tells a list's other pages in a `Link` header. */
export function listHeaders(page: Page<unknown>, request: GitHubRequest): Record<string, string> {
  const links = Object.entries(pageLinks(page, `${request.origin}${request.path}`, request.query));
  return links.length === 0 ? {} : { link: links.map(([rel, url]) => `<${url}>; rel="${rel}"`).join(', ') };
}
