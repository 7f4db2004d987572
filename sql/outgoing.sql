-- What would reach the real world from an application's own tables: addresses that it calls, and secrets that let it in.
-- Copy it, take out what your testers need, and list it under before-publish. Names decide: text columns that are called
-- like an address of a webhook get one that nobody answers, those called like a token a new random value.
DO $$
DECLARE
  found record;
BEGIN
  FOR found IN
    SELECT n.nspname, c.relname, a.attname, a.attname ~* '(url|uri|endpoint|webhook)$' AS outgoing,
           CASE WHEN a.atttypmod > 4 THEN a.atttypmod - 4 END AS length
      FROM pg_attribute AS a
      JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
       AND a.atttypid IN ('text'::regtype, 'varchar'::regtype)
       AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_'
       AND NOT EXISTS (SELECT FROM pg_constraint AS k
                        WHERE k.contype = 'f' AND (k.conrelid = c.oid AND a.attnum = ANY (k.conkey)
                                                OR k.confrelid = c.oid AND a.attnum = ANY (k.confkey)))
       AND (a.attname ~* '^(.*_)?(webhook|callback|postback|notify|notification|hook|delivery)_?(url|uri|endpoint)$'
            OR a.attname ~* '^(.*_)?webhook$'
            OR a.attname ~* '^(.*_)?(api_?key|access_?key|secret_?key|client_secret|webhook_secret|signing_secret|api_token|auth_token|access_token|refresh_token|personal_token)$')
  LOOP
    EXECUTE format('UPDATE %I.%I SET %I = left(%s, %s) WHERE %I IS NOT NULL', found.nspname, found.relname, found.attname,
                   CASE WHEN found.outgoing THEN $x$'https://example.invalid/' || gen_random_uuid()$x$
                        ELSE $x$encode(sha256(gen_random_uuid()::text::bytea), 'hex')$x$ END,
                   coalesce(found.length, 100), found.attname);
  END LOOP;
END $$;
