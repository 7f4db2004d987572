import { environmentName } from '../../contract.ts';
import { RefreshError } from '../../model/errors.ts';
import { maskKeyHint } from '../../model/mask-key-hint.ts';

/** As the stack has it: with fewer, whoever has staging could try keys until one gives a masked value that is known. */
const shortestMaskKey = 16;

/** Adds to `problems` what speaks against REFRESH_MASK_KEY; without one there is nothing to say. */
export function refuseShortKey(
  environment: Readonly<Record<string, string | undefined>>,
  problems: RefreshError[],
): void {
  const { length } = environment[environmentName.maskKey] ?? '';
  if (length === 0 || length >= shortestMaskKey) return;
  const error = new RefreshError('bad-environment', `it has fewer than ${shortestMaskKey} characters`, {
    object: environmentName.maskKey,
    hint: maskKeyHint,
  });
  problems.push(error);
}
