import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleLimitBytes } from './contract.ts';
import { RefreshError } from './model/errors.ts';

const projectFolder = fileURLToPath(new URL('..', import.meta.url));

/**
 * The engine as one ES module that needs Node 24 and nothing else. The same sources give the same text on every
 * machine: no source map, no time, no absolute path.
 * @throws RefreshError `bad-file` when it doesn't build or when GitHub could not hold it
 */
export async function bundleEngine(
  entry = 'scripts/workflow-engine.ts',
  folder = projectFolder,
): Promise<string> {
  const text = await bundle(entry, folder);
  const bytes = Buffer.byteLength(text);
  if (bytes > bundleLimitBytes) {
    throw new RefreshError(
      'bad-file',
      `the bundled engine has ${bytes} bytes, more than ${bundleLimitBytes}`,
      {
        object: entry,
        hint: 'a RepositoryFile over 1 MiB stays stuck for good: leave a dependency out',
      },
    );
  }
  return text;
}

async function bundle(entry: string, folder: string): Promise<string> {
  try {
    const { outputFiles } = await build({
      absWorkingDir: folder,
      entryPoints: [entry],
      bundle: true,
      write: false,
      platform: 'node',
      format: 'esm',
      target: 'node24',
      minify: true,
      charset: 'utf8',
      legalComments: 'none',
      sourcemap: false,
      logLevel: 'silent',
      // pg asks for its native twin, and for what speaks to it, only where somebody installed it.
      external: ['pg-native', './native', 'pg-cloudflare'],
      // CommonJS packages such as pg call require(), which a module doesn't have.
      banner: {
        js: "import{createRequire as moduleRequire}from'node:module';const require=moduleRequire(import.meta.url);",
      },
    });
    return outputFiles[0]?.text ?? '';
  } catch (cause) {
    throw new RefreshError('bad-file', "the engine can't be bundled", { object: entry, cause });
  }
}
