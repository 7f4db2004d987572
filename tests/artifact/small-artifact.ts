import { dirname } from 'node:path';
import type { ArtifactIndex } from '../../scripts/artifact/index-schema.ts';
import { ArtifactWriter } from '../../scripts/artifact/writer.ts';

/** Only the file's own parts are looked at where this is used: what the index says of a database is not. */
export function aboutSmallArtifact(databaseId: string | undefined): Omit<ArtifactIndex, 'format' | 'pieces'> {
  return {
    runId: 'run',
    madeAt: '2026-11-22T02:00:00.000Z',
    production: { database: 'shop', id: databaseId, version: '17.6', versionNumber: 170006 },
    content: 'copied',
    locale: '',
    settings: [],
    userSchemas: [],
    searchPath: 'public',
    catalog: {},
    tables: [],
    views: [],
    archive: { preData: [], postData: [], leftOut: [] },
    ownership: {},
    counted: [],
    preserved: {},
    constraints: [],
  } as unknown as Omit<ArtifactIndex, 'format' | 'pieces'>;
}

/**
 * A whole artifact: definitions, rows, an archive.
 *
 * @param databaseId undefined: as older versions wrote it.
 */
export async function writeSmallArtifact(
  path: string,
  { recipient, databaseId }: { recipient?: string | undefined; databaseId?: string | undefined },
): Promise<string> {
  await using writer = await ArtifactWriter.create({
    path,
    temporary: dirname(path),
    recipient,
    databaseId,
    atOnce: 4,
  });
  await writer.definitions('create table t (id int);\n');
  const rows = writer.rows(1, 'copy t (id) from stdin');
  await rows.push(Buffer.from('1\n2'));
  await rows.push(Buffer.from('3\n4\n'));
  await rows.end();
  await writer.attach(Buffer.from('archive'));
  await using sink = await writer.complete(aboutSmallArtifact(databaseId));
  await sink.finish();
  return path;
}
