/**
 * The results of several pieces of work that run at the same time. Unlike Promise.all it never leaves one of them
 * running behind an error: it throws the first one's once all have come to their end.
 */
export async function allDone<Results extends readonly unknown[]>(
  work: readonly [...{ [Index in keyof Results]: Promise<Results[Index]> }],
): Promise<Results> {
  const settled = await Promise.allSettled(work);
  for (const result of settled) if (result.status === 'rejected') throw result.reason;
  return settled.map((result) =>
    result.status === 'fulfilled' ? result.value : undefined,
  ) as unknown as Results;
}

/**
 * Does some work while other work is under way, whose result is taken later. If this fails, the other is waited for
 * before the error goes on; its own error is then nobody's.
 */
export async function meanwhile<Result>(
  underWay: Promise<unknown> | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  // Handled from now on, whenever it is looked at.
  const ended = underWay?.then(
    () => undefined,
    () => undefined,
  );
  try {
    return await work();
  } catch (error) {
    await ended;
    throw error;
  }
}
