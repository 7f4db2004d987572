/** A long list as short ones, each of at most so many: what one statement is given. */
export function inBatches<Item>(items: readonly Item[], atMost: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / atMost) }, (_, number) =>
    items.slice(number * atMost, (number + 1) * atMost),
  );
}
