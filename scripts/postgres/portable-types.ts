/**
 * Types whose hash is the same on every server. An enum's is its label's oid, so a row may belong to another hash
 * partition there; whatever is not listed is taken for such a type.
 */
const portableHashTypes = [
  'int2',
  'int4',
  'int8',
  'bool',
  'text',
  'varchar',
  'bpchar',
  'uuid',
  'bytea',
  'date',
  'timestamp',
  'timestamptz',
  'time',
  'interval',
  'numeric',
  'float4',
  'float8',
  'inet',
  'cidr',
  'macaddr',
  'jsonb',
];

/**
 * Types whose binary form (manual, COPY, "Binary Format") is the same on every server and version from 14 on. It holds
 * no oid: those of arrays and composites do, which is why of them only arrays of these are taken.
 */
const portableBinaryTypes = [
  ...portableHashTypes,
  'timetz',
  'name',
  'char',
  'json',
  'macaddr8',
  'bit',
  'varbit',
  'tsvector',
  'tsquery',
  'point',
  'lseg',
  'path',
  'box',
  'polygon',
  'line',
  'circle',
  'int4range',
  'int8range',
  'numrange',
  'daterange',
  'tsrange',
  'tstzrange',
];

/** SQL: see Table.portableBinary. An enum travels as its label, a domain as what it is made of. */
export const portableBinary = (relation: string) =>
  `not exists (
     select from pg_catalog.pg_attribute value
       join pg_catalog.pg_type t on t.oid = value.atttypid
       left join pg_catalog.pg_type element on element.oid = t.typelem and t.typcategory = 'A'
      where value.attrelid = ${relation} and value.attnum > 0 and not value.attisdropped and value.attgenerated = ''
        and t.typtype <> 'e'
        and case t.typtype when 'd' then t.typbasetype else coalesce(element.oid, t.oid) end
            <> all (array[${portableBinaryTypes.map((type) => `'pg_catalog."${type}"'`).join(', ')}]::regtype[]::oid[]))`;

/** SQL: whether a row of this hash-partitioned table (pg_partitioned_table) may belong to another partition there. */
export const hashMayDiffer = (partitioned: string) =>
  `(0 = any (${partitioned}.partattrs::int2[]) or exists (
     select from pg_catalog.pg_attribute key
      where key.attrelid = ${partitioned}.partrelid and key.attnum = any (${partitioned}.partattrs::int2[])
        and key.atttypid <> all (array[${portableHashTypes.map((type) => `'pg_catalog.${type}'`).join(', ')}]::regtype[]::oid[])))`;
