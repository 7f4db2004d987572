import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Category, Column } from '../../scripts/policy/column.ts';
import { findPersonalData } from '../../scripts/policy/findings.ts';
import { matches } from '../../scripts/policy/patterns.ts';

const column = (name: string, category: Category = 'text', declared = 'x'): Column => ({
  table: 1,
  name,
  type: 'x',
  declared,
  category,
  array: false,
  length: null,
  notNull: false,
  generated: false,
  partitionKey: false,
  refers: false,
  rows: 0,
});

test('what looks like personal data does, and what only sounds like it does not', () => {
  const yes: [string, Category?, string?][] = [
    ['email'],
    ['EMail'],
    ['contact_email'],
    ['e_mail'],
    ['homePhone'],
    ['mobile'],
    ['first_name'],
    ['lastName'],
    ['date_of_birth', 'date'],
    ['iban'],
    ['password_hash'],
    ['api_key'],
    ['reset_password_token'],
    ['ip_address', 'inet'],
    ['anything', 'inet'],
    ['street'],
    ['billing_address', 'composite'],
    ['ssn'],
    ['notes'],
    ['latitude', 'number'],
    ['home_lon', 'number'],
    ['pass_crypt'],
    ['tax_identification_number'],
    ['gender', 'enum'],
    ['token_hash', 'bytea'],
    ['reachable_at', 'text', 'public.email_address'],
    // Schemas without underscores: Mattermost, CKAN.
    ['refreshtoken'],
    ['mfasecret'],
    ['useremail'],
    ['phonenumber'],
    ['remotetoken'],
    ['attendee_name'],
    ['attendee_name_cached'],
    ['invoice_to_name'],
    ['author_display_name'],
    ['mobile_number'],
    ['phone', 'integer'],
    ['customerPhoneNumber', 'number'],
    // The second of several; short for it.
    ['phone2'],
    ['address1'],
    ['fname'],
    ['cc_no'],
    // Documents, and rows as they were: paper_trail, audit triggers.
    ['emails', 'json'],
    ['billing_address', 'json'],
    ['contact_phone_data', 'json'],
    ['phone_numbers', 'document'],
    ['object_changes', 'json'],
    ['old_values'],
    ['row_data', 'document'],
    // Of people, whatever they are to the application.
    ['contact'],
    ['contacts', 'json'],
    ['emergency_contact'],
    ['recipients'],
    ['birth_year', 'integer'],
    ['placeOfBirth'],
    ['medical_history'],
    ['license_plate'],
    ['bank_details', 'json'],
    ['raw_user_meta_data', 'json'],
    ['identity_data', 'json'],
    ['profile', 'json'],
  ];
  const no: [string, Category?][] = [
    ['email_sent', 'boolean'],
    ['password_changed_at', 'time'],
    ['token_id', 'integer'],
    ['phone_verified', 'boolean'],
    ['phone_count', 'integer'],
    ['mobile', 'integer'],
    ['ships', 'text'],
    ['description'],
    ['hotel'],
    ['company'],
    ['stellar'],
    ['panel'],
    ['name'],
    ['address_id', 'integer'],
    ['born_reported', 'integer'],
    ['token_type'],
    ['token_url'],
    ['tokenEndpointAuthMethod'],
    ['email_subject'],
    ['commit_email_hostname'],
    // What only belongs to it: Lago, GitLab, Langfuse, Documenso, Coder, Discourse.
    ['email_settings'],
    ['automatic_membership_email_domains'],
    ['api_key_id'],
    ['credentialId'],
    ['token_name'],
    ['invoice_display_name'],
    ['mobile_stylesheet'],
    ['email_stats', 'json'],
    ['token_usage', 'json'],
    ['changes', 'json'],
    ['contact', 'boolean'],
    ['in_reply_to'],
    ['contact_id', 'integer'],
    ['profile'],
    ['object', 'json'],
    ['sha1'],
  ];
  const found = (name: string, category?: Category, declared?: string) =>
    findPersonalData({ name: 'things' }, [column(name, category, declared)]).length;
  for (const [name, category, declared] of yes) assert.equal(found(name, category, declared), 1, name);
  for (const [name, category] of no) assert.equal(found(name, category), 0, name);
  for (const name of ['ip_address', 'clientIpAddress', 'current_sign_in_ip'])
    assert.deepEqual(
      findPersonalData({ name: 'things' }, [column(name)]).map(({ mask }) => mask),
      ['ip'],
      name,
    );
  assert.deepEqual(
    findPersonalData({ name: 'things' }, [{ ...column('gender', 'enum'), labels: ['f', 'm'] }]).map(
      ({ mask }) => mask,
    ),
    ['{ choice: ["f","m"] }'],
  );
  for (const [attributes, notNull, masks] of [
    [['id', 'email'], false, ['null']],
    [['id', 'email'], true, ['{ fixed: "(,)" }']],
    [['amount', 'currency'], false, []],
  ] as const)
    assert.deepEqual(
      findPersonalData({ name: 'things' }, [{ ...column('was', 'composite'), attributes, notNull }]).map(
        ({ mask }) => mask,
      ),
      masks,
    );
  assert.deepEqual(
    findPersonalData({ name: 'email_addresses' }, [column('address')]).map(({ mask }) => mask),
    ['email'],
  );
  for (const [name, expected] of [
    ['email_id', 0],
    ['customer_email', 1],
  ] as const)
    assert.equal(
      findPersonalData({ name: 'things' }, [{ ...column(name), refers: true }]).length,
      expected,
      name,
    );
  for (const [table, name, expected] of [
    ['crm_customers', 'name', 1],
    ['google_user_infos', 'name', 1],
    ['Recipient', 'name', 1],
    ['user_roles', 'name', 0],
    ['user_custom_fields', 'name', 0],
    ['oauth_clients', 'name', 0],
    ['accounts', 'display_name', 1],
    ['tags', 'display_name', 0],
  ] as const)
    assert.equal(findPersonalData({ name: table }, [column(name)]).length, expected, `${table}.${name}`);
});

test('a row as it was beside who did it: paper_trail', () => {
  const found = findPersonalData({ name: 'versions' }, [column('whodunnit'), column('object', 'json')]);
  assert.deepEqual(found, [{ column: 'object', looksLike: 'rows as they were', mask: 'null' }]);
});

test('a name beside an e-mail address is somebody’s, unless it is a thing’s', () => {
  for (const [table, expected] of [
    ['access_requests', ['name', 'email']],
    ['teams', ['email']],
  ] as const)
    assert.deepEqual(
      findPersonalData({ name: table }, [column('name'), column('email'), column('title')]).map(
        (finding) => finding.column,
      ),
      expected,
    );
});

test('patterns', () => {
  const table: [string, string, boolean][] = [
    ['public.auth_*', 'public.auth_user', true],
    ['public.auth_*', 'public.authors', false],
    ['*.users', 'crm.users', true],
    ['public.*', 'public.a.b', true],
    ['public.a.b', 'public.a.b', true],
    ['public.a?b', 'public.acb', false],
    ['*', 'x.y', true],
    ['public.', 'public.x', false],
  ];
  for (const [pattern, name, expected] of table)
    assert.equal(matches(pattern, name), expected, `${pattern} ${name}`);
});
