import { Refusal } from './route.ts';

/** One page of a list, and where it lies in it. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly total: number;
  readonly page: number;
  readonly perPage: number;
  readonly last: number;
}

/** The page that `page` and `per_page` ask for: 1-based; `usual` items unless said, never more than `most`. */
export function cutPage<T>(all: readonly T[], query: URLSearchParams, usual: number, most: number): Page<T> {
  const perPage = Math.min(positive(query, 'per_page', usual), most);
  const page = positive(query, 'page', 1);
  const begin = (page - 1) * perPage;
  const last = Math.max(Math.ceil(all.length / perPage), 1);
  return { items: all.slice(begin, begin + perPage), total: all.length, page, perPage, last };
}

/** Addresses of the pages around this one; what does not exist is left out. */
export function pageLinks(
  { page, perPage, last }: Page<unknown>,
  url: string,
  query: URLSearchParams,
): Partial<Record<'first' | 'prev' | 'next' | 'last', string>> {
  const to = (number: number): string => {
    const target = new URLSearchParams(query);
    target.set('page', String(number));
    target.set('per_page', String(perPage));
    return `${url}?${target}`;
  };
  return {
    ...(page > 1 && { first: to(1), prev: to(page - 1) }),
    ...(page < last && { next: to(page + 1), last: to(last) }),
  };
}

function positive(query: URLSearchParams, name: string, usual: number): number {
  const text = query.get(name);
  if (text === null || text === '') return usual;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Refusal(422, `${name} must be a positive integer`);
  return value;
}
