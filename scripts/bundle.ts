import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { bundleLimitBytes } from './contract.ts';
import { RefreshError } from './model/errors.ts';

const projectFolder = fileURLToPath(new URL('..', import.meta.url));

/** yaml gives Node its CommonJS build, of which nothing can be left out; this one is the same sources as ES modules. */
const yamlModules = fileURLToPath(new URL('../browser/index.js', import.meta.resolve('yaml')));

/**
 * Parts of packages that the engine never calls, though something beside what it does call names them: zod's JSON
 * Schemas (for `policy schema` and the documents, which the bundle has not), attachments that nodemailer would fetch,
 * and the pool of pg, whose sessions are opened one by one. A call of one of them says its name and fails.
 */
export const leftOut = [
  'zod/v4/core/to-json-schema.js',
  'zod/v4/core/json-schema-processors.js',
  'nodemailer/dist/esm/fetch/index.js',
  'pg-pool/index.js',
] as const;

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
      alias: { yaml: yamlModules },
      plugins: leftOut.map(standIn),
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

/** In the place of that part: whatever it exports is a function that says what it was. */
function standIn(part: string): Plugin {
  const words = part.split('/').map((word) => word.replaceAll('.', '\\.'));
  const filter = new RegExp(`node_modules[\\\\/]${words.join('[\\\\/]')}$`);
  const says = `function absent(){throw new Error('not in the bundle: ${part}')}`;
  return {
    name: part,
    setup: ({ onLoad }) =>
      onLoad({ filter }, async ({ path }) => {
        const names = Object.keys(await import(pathToFileURL(path).href));
        // The name under which Node gives what a CommonJS module exports.
        if (names.includes('module.exports')) return { contents: `module.exports=${says}` };
        return { contents: `${says}\nexport{${names.map((name) => `absent as ${name}`)}}` };
      }),
  };
}
