import * as z from 'zod';
import type { MaskRule } from '../model/policy.ts';
import { ident, literal } from '../model/table.ts';
import type { Column } from './column.ts';
import { refusingClear } from './masks/clear-value.ts';
import { addressMask, cardMask, choiceMask, companyMask, ipMask, nameMask, urlMask } from './masks/drawn.ts';
import { emailMask, hashMask, phoneMask, textMask, uuidMask } from './masks/keyed.ts';
import { fixedMask, keepMask, nullMask, partialMask, sqlMask, truncateDateMask } from './masks/keyless.ts';
import type { Mask } from './masks/mask.ts';
import { dateMask, noiseMask, numberMask, shiftDateMask } from './masks/measured.ts';

/** Every mask that stands for a whole value; `json`, which holds others, is made from them below. */
const scalarMasks = [
  nullMask,
  fixedMask,
  keepMask,
  hashMask,
  emailMask,
  nameMask,
  phoneMask,
  partialMask,
  textMask,
  numberMask,
  noiseMask,
  dateMask,
  shiftDateMask,
  truncateDateMask,
  uuidMask,
  choiceMask,
  addressMask,
  companyMask,
  ipMask,
  urlMask,
  cardMask,
  sqlMask,
] as readonly Mask<unknown>[];

const inJson = scalarMasks.filter(({ name }) => name !== 'sql' && name !== 'keep');

const whenSchema = z
  .string()
  .min(1)
  .optional()
  .describe('SQL condition; where it is false the value stays as it is');

/** How a mask is written: its name, or `{ name: options }` with an optional `when`; YAML's null is `null`. */
function specSchema(masks: readonly Mask<unknown>[], conditional = true) {
  const alone = masks.filter(({ options }) => options.safeParse({}).success).map(({ name }) => name);
  const options = Object.fromEntries(
    masks.map(({ name, about, options }) => [name, options.optional().describe(about)]),
  );
  const given = z
    .strictObject({ ...options, ...(conditional ? { when: whenSchema } : {}) })
    .refine((spec) => Object.keys(spec).filter((key) => key !== 'when').length === 1, 'has to name one mask');
  return z.union([z.null(), z.enum(alone as [string, ...string[]]), given]);
}

const pathSchema = z
  .string()
  .regex(
    /^[^.[\]]+(\[\])?(\.[^.[\]]+(\[\])?)*$/,
    'has to be keys joined by dots; [] after a key visits an array’s elements',
  );

/** Structured: each path has a mask of its own, the rest of the document stays. */
const jsonMask: Mask<Readonly<Record<string, MaskSpec>>> = {
  name: 'json',
  about: 'masks the values at some paths, such as contact.email or items[].iban; the rest stays',
  options: z
    .record(pathSchema, specSchema(inJson, false))
    .refine((paths) => Object.keys(paths).length > 0, 'has to name a path') as z.ZodType<
    Readonly<Record<string, MaskSpec>>
  >,
  accepts: ['json'],
  deterministic: true,
  keyed: true,
  equality: 'by-chance',
  bits: () => 0,
  sql(value, paths, column) {
    let document = `(${value})::jsonb`;
    for (const [path, spec] of Object.entries(paths)) {
      const steps = path
        .split('.')
        .flatMap((step) => (step.endsWith('[]') ? [step.slice(0, -2), '[]'] : [step]));
      document = atPath(document, steps, { rule: toRule(spec), column }, 0);
    }
    return document;
  },
};

export const masks: readonly Mask<unknown>[] = [...scalarMasks, jsonMask as Mask<unknown>];

/** A mask as the policy file says it. */
export const maskSchema = specSchema(masks);
export type MaskSpec = null | string | Readonly<Record<string, unknown>>;

/** What the file says, with the mask's name and options apart. */
export function toRule(spec: MaskSpec): MaskRule {
  if (spec === null) return { mask: 'null', options: {}, when: null };
  if (typeof spec === 'string') return { mask: spec, options: {}, when: null };
  const [name = ''] = Object.keys(spec).filter((key) => key !== 'when');
  const when = typeof spec.when === 'string' ? spec.when : null;
  return { mask: name, options: spec[name], when };
}

/** The record of a mask. Names are checked by the policy's schema, so that an unknown one is a defect. */
export function maskOf(rule: MaskRule): Mask<unknown> {
  const mask = masks.find(({ name }) => name === rule.mask);
  if (!mask) throw new Error(`no mask is called ${rule.mask}`);
  return mask;
}

/** The expression that production evaluates in place of the column. NULL stays NULL, arrays are masked one by one. */
export function maskExpression(rule: MaskRule, column: Column, shaped: Column = column): string {
  const name = ident(column.name);
  const masked = `(${maskedValue(rule, column, shaped)})::${column.type}`;
  if (rule.when === null) return masked;
  // Where the condition is NULL nobody has said that the value may stay.
  return `case when (${rule.when}) is false then ${name} else ${masked} end`;
}

/** Why a column can't have this mask; undefined where it can. Uniqueness is judged where the indexes are known. */
export function refusal(rule: MaskRule, column: Column): string | undefined {
  const mask = maskOf(rule);
  if (mask.name === 'keep') return undefined;
  if (column.generated) return 'the column is generated: mask the columns that it is computed from';
  if (column.partitionKey) return 'the column decides in which partition a row lies';
  if (mask.accepts !== 'all' && !mask.accepts.includes(column.category))
    return `it masks ${mask.accepts.join(', ')}, and the column is ${column.type}`;
  return mask.refuses?.(rule.options, column);
}

function maskedValue(rule: MaskRule, column: Column, shaped: Column): string {
  const mask = maskOf(rule);
  const name = ident(column.name);
  if (mask.name === 'null' || mask.name === 'sql' || mask.name === 'keep')
    return mask.sql(name, rule.options, shaped);
  const made = (value: string, part: boolean) =>
    refusingClear(mask, mask.sql(value, rule.options, shaped), { value, column, part });
  if (shaped.array && mask.name !== 'fixed') {
    const element = `case when element is null then null else ${made('element', true)} end`;
    return `case when ${name} is null then null else array(select (${element})::text from unnest(${name}) with ordinality as elements(element, place) order by place) end`;
  }
  return `case when ${name} is null then null else ${made(name, false)} end`;
}

/** Of a document's parts, those that hide nothing. */
const nothing = `('null', '[]', '{}', 'true', 'false')`;

/** The mask at a path's end, and the column that holds the document. */
interface Leaf {
  readonly rule: MaskRule;
  readonly column: Column;
}

/**
 * Replaces what stands at a path, wherever the document has it. Where something else stands on the way than the path
 * says, it may hold what the path is about, and is hidden whole.
 */
function atPath(document: string, steps: readonly string[], leaf: Leaf, depth: number): string {
  const [step, ...rest] = steps;
  if (step === undefined) return hidden(document, leaf);
  const inner = `v${depth}`;
  const of = (kind: string, changed: string, otherwise: string) =>
    `(select case when jsonb_typeof(whole) = '${kind}' then ${changed} when whole in ${nothing} then whole else ${otherwise} end from (select ${document} as whole) as document)`;
  const otherwise = elsewhere('whole', leaf);
  if (step === '[]') {
    const each = atPath(inner, rest, leaf, depth + 1);
    return of(
      'array',
      `(select coalesce(jsonb_agg(${each} order by place), '[]') from jsonb_array_elements(whole) with ordinality as elements(${inner}, place))`,
      otherwise,
    );
  }
  const key = literal(step);
  const changed = `jsonb_set(whole, array[${key}], (select ${atPath(inner, rest, leaf, depth + 1)} from (select whole -> ${key} as ${inner}) as part))`;
  return of('object', `case when whole ? ${key} then ${changed} else whole end`, otherwise);
}

function hidden(document: string, { rule, column }: Leaf): string {
  const mask = maskOf(rule);
  if (mask.name === 'null') return `'null'::jsonb`;
  const value = `((${document}) #>> '{}')`;
  const masked = refusingClear(mask, mask.sql(value, rule.options, anyText), { value, column, part: true });
  return `case when jsonb_typeof(${document}) = 'null' then ${document} else to_jsonb((${masked})::text) end`;
}

/** A mask that reads a number or a date can't read whatever stands there. */
function elsewhere(document: string, leaf: Leaf): string {
  const { accepts } = maskOf(leaf.rule);
  return accepts === 'all' || accepts.includes('text') ? hidden(document, leaf) : `'null'::jsonb`;
}

const anyText: Column = {
  table: 0,
  name: '',
  type: 'text',
  declared: 'text',
  category: 'text',
  array: false,
  length: null,
  notNull: false,
  generated: false,
  partitionKey: false,
  refers: false,
  rows: 0,
};
