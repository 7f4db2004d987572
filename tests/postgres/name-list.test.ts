import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namesOf } from '../../scripts/postgres/name-list.ts';

test('a list of names is taken apart as the server does it, and nothing in it is more than a name', () => {
  const lists: Record<string, readonly string[]> = {
    '"$user", public': ['$user', 'public'],
    'Public ,"Sonder, ""Fall"""': ['public', 'Sonder, "Fall"'],
    'public;drop/**/table/**/t,$$x': ['public;drop/**/table/**/t', '$$x'],
    "a';select/**/1": ["a';select/**/1"],
    '""': [''],
    '': [],
    // The server refuses these: whatever they are meant to be, they stay one name.
    'a b; drop table t': ['a b; drop table t'],
    'a"b"': ['a"b"'],
    'a,': ['a,'],
    '"a': ['"a'],
  };
  for (const [list, names] of Object.entries(lists)) assert.deepEqual(namesOf(list), names, list);
  assert.deepEqual(namesOf('$libdir/A,"B c"', false), ['$libdir/A', 'B c']);
});
