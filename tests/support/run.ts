import type { RefreshConfig } from '../../scripts/model/config.ts';
import type { Run } from '../../scripts/model/run.ts';
import { readConfig } from '../../scripts/stages/config.ts';

/** A run as a stage of the engine gets it, with these variables on top of a scenario's. */
export function runOf(
  environment: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string>> = {},
): Run<RefreshConfig> {
  const say = () => undefined;
  const controller = new AbortController();
  return {
    id: '20260101t000000_beef',
    startedAt: new Date(),
    config: readConfig({ artifact: false }, { ...environment, ...more }),
    log: { phase: say, info: say, warn: say, detail: say } as unknown as Run['log'],
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    temporary: '',
  };
}
