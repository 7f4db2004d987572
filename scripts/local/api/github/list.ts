import { cutPage, type Page, pageLinks } from '../page.ts';
import type { Answer } from '../route.ts';
import type { GitHubRequest } from './access.ts';

/** How long a page is: unless said otherwise, and at most. */
export interface PageLength {
  readonly usual: number;
  readonly most: number;
}

/** GitHub tells a list's other pages in a `Link` header. */
export function listHeaders(page: Page<unknown>, request: GitHubRequest): Record<string, string> {
  const links = Object.entries(pageLinks(page, `${request.origin}${request.path}`, request.query));
  return links.length === 0 ? {} : { link: links.map(([rel, url]) => `<${url}>; rel="${rel}"`).join(', ') };
}

/** The page that the request asks for, as Actions answers with it: `total_count`, and the items under their name. */
export function listAnswer<Item>(
  request: GitHubRequest,
  name: string,
  items: readonly Item[],
  answer: (item: Item) => unknown,
  { usual, most }: PageLength = { usual: 30, most: 100 },
): Answer {
  const page = cutPage(items, request.query, usual, most);
  return {
    status: 200,
    headers: listHeaders(page, request),
    body: { total_count: page.total, [name]: page.items.map(answer) },
  };
}
