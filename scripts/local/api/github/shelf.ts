import { param, Refusal } from '../route.ts';
import type { GitHubRequest, Permission } from './access.ts';
import { environmentOf } from './environments.ts';
import type { RepositoryRecord, RepositoryRoute } from './hub.ts';
import { listAnswer, type PageLength } from './list.ts';

interface Named {
  readonly name: string;
}

/** A kind of thing that a repository and each of its environments keep by name: secrets, or variables. */
export interface ShelfKind<Item extends Named> {
  readonly kind: 'secrets' | 'variables';
  readonly pages: PageLength;
  readonly answer: (item: Item) => unknown;
}

/** Where such things lie; `items` is the live list. */
export interface Shelf<Item extends Named> {
  readonly path: string;
  readonly permission: Permission;
  readonly items: (request: GitHubRequest, repository: RepositoryRecord) => Item[];
}

type Holder = Pick<RepositoryRecord, 'secrets' | 'variables'>;

/** The two shelves of a kind. */
export function shelvesOf<Item extends Named>(
  kind: ShelfKind<Item>['kind'],
  listOf: (holder: Holder) => Item[],
): readonly Shelf<Item>[] {
  return [
    { path: `/actions/${kind}`, permission: kind, items: (_, repository) => listOf(repository) },
    {
      path: `/environments/:environment/${kind}`,
      permission: 'environments',
      items: (request, repository) => listOf(environmentOf(request, repository)),
    },
  ];
}

/** What both kinds have in common: list, read one, delete one. How one is written differs. */
export function shelfRoutes<Item extends Named>(
  { path, permission, items }: Shelf<Item>,
  { kind, pages, answer }: ShelfKind<Item>,
): readonly RepositoryRoute[] {
  return [
    {
      method: 'GET',
      path,
      needs: [permission, 'read'],
      handle: (request, repository) => listAnswer(request, kind, items(request, repository), answer, pages),
    },
    {
      method: 'GET',
      path: `${path}/:name`,
      needs: [permission, 'read'],
      handle: (request, repository) => ({
        status: 200,
        body: answer(itemOf(items(request, repository), request)),
      }),
    },
    {
      method: 'DELETE',
      path: `${path}/:name`,
      needs: [permission, 'write'],
      handle(request, repository) {
        const list = items(request, repository);
        list.splice(list.indexOf(itemOf(list, request)), 1);
        return { status: 204 };
      },
    },
  ];
}

/** The thing that the request's path names. Throws a 404. */
export function itemOf<Item extends Named>(items: readonly Item[], request: GitHubRequest): Item {
  const name = param(request, 'name').toUpperCase();
  const item = items.find((each) => each.name === name);
  if (!item) throw new Refusal(404, 'Not Found');
  return item;
}

/** Names of secrets and variables are kept in capitals. Throws a 422 for one that GitHub refuses. */
export function validName(name: string, kind: 'Secret' | 'Variable'): string {
  if (!/^[A-Za-z_]\w*$/.test(name)) {
    throw new Refusal(
      422,
      `${kind} names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_)`,
    );
  }
  if (/^GITHUB_/i.test(name)) throw new Refusal(422, `${kind} names must not start with GITHUB_.`);
  return name.toUpperCase();
}
