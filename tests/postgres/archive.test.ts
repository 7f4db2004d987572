import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArchiveEntry, formatArchiveList, parseArchiveList } from '../../scripts/postgres/archive.ts';

/** Lines of `pg_restore --list` of version 17. */
const list = `;
; Archive created at 2026-11-22 19:30:00 UTC
;     dbname: shop
;     TOC Entries: 17
;
; Selected TOC Entries:
;
6; 2615 16385 SCHEMA - billing app
2; 3079 16386 EXTENSION - pg_trgm 
3700; 0 0 COMMENT - EXTENSION pg_trgm 
901; 1247 16500 DOMAIN public email_address app
219; 1259 16390 TABLE public customers app
3701; 0 0 ACL public TABLE customers app
2222; 826 16600 DEFAULT ACL public DEFAULT PRIVILEGES FOR TABLES app
230; 1259 16432 MATERIALIZED VIEW billing monthly revenue app
231; 1259 16440 SEQUENCE public orders_id_seq app
3702; 0 0 SEQUENCE OWNED BY public orders_id_seq app
3400; 2606 16395 CONSTRAINT public customers customers_pkey app
3402; 2606 16400 FK CONSTRAINT public orders orders_customer_fkey app
3403; 2606 16401 CHECK CONSTRAINT public orders positive app
3404; 1259 16402 INDEX public orders_customer app
3405; 0 0 INDEX ATTACH public events_2026_pkey app
3406; 0 0 TABLE ATTACH audit events_2026 app
3407; 0 16390 ROW SECURITY public customers app
3408; 6104 16700 PUBLICATION - everything app
3409; 6106 16701 PUBLICATION TABLE public everything customers app
3410; 6237 16702 PUBLICATION TABLES IN SCHEMA public everything app
3411; 3466 16703 EVENT TRIGGER - only_readers postgres
3412; 3381 16704 STATISTICS public customers_city app
`;

const types = [
  'SCHEMA',
  'EXTENSION',
  'COMMENT',
  'DOMAIN',
  'TABLE',
  'ACL',
  'DEFAULT ACL',
  'MATERIALIZED VIEW',
  'SEQUENCE',
  'SEQUENCE OWNED BY',
  'CONSTRAINT',
  'FK CONSTRAINT',
  'CHECK CONSTRAINT',
  'INDEX',
  'INDEX ATTACH',
  'TABLE ATTACH',
  'ROW SECURITY',
  'PUBLICATION',
  'PUBLICATION TABLE',
  'PUBLICATION TABLES IN SCHEMA',
  'EVENT TRIGGER',
  'STATISTICS',
];

test('each line of a list is an entry with its type, of one word or several', () => {
  const entries = parseArchiveList(list);
  assert.deepEqual(
    entries.map((entry) => entry.type),
    types,
  );
  const line = '3402; 2606 16400 FK CONSTRAINT public orders orders_customer_fkey app';
  assert.deepEqual(entries[11], new ArchiveEntry(3402, 2606, 16400, 'FK CONSTRAINT', line));
  assert.equal(entries[11]?.rest, 'public orders orders_customer_fkey app');
  assert.equal(entries[2]?.rest, '- EXTENSION pg_trgm ');
});

test('the largest oid is read whole', () => {
  const [entry] = parseArchiveList('7; 1259 4294967295 TABLE public t app\n');
  assert.equal(entry?.objectOid, 4294967295);
});

test('a list that is written back is what pg_restore gave', () => {
  const lines = list.split('\n').filter((line) => line !== '' && !line.startsWith(';'));
  assert.equal(formatArchiveList(parseArchiveList(list)), `${lines.join('\n')}\n`);
  assert.deepEqual(parseArchiveList(';\n; nothing\n'), []);
});
