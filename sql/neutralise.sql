-- Takes away what would act on the real world, run in the new database before anybody sees it. Each part looks first
-- whether there is anything of its kind, so the file fits any database; a part that staging's role may not carry out
-- fails the refresh rather than publish a staging that acts.

-- Jobs of pg_cron run from the database that they are stored in.
DO $$
BEGIN
  IF to_regclass('cron.job') IS NOT NULL THEN
    DELETE FROM cron.job WHERE database = current_database();
  END IF;
END $$;

-- Subscriptions would pull from production's publishers and hold replication slots there.
DO $$
DECLARE
  name text;
BEGIN
  FOR name IN
    SELECT subname FROM pg_subscription JOIN pg_database AS d ON d.oid = subdbid WHERE d.datname = current_database()
  LOOP
    EXECUTE format('ALTER SUBSCRIPTION %I DISABLE', name);
    EXECUTE format('ALTER SUBSCRIPTION %I SET (slot_name = NONE)', name);
    EXECUTE format('DROP SUBSCRIPTION %I', name);
  END LOOP;
END $$;

-- Foreign servers: without a password nobody gets through; the servers stay, so that views on their tables do.
DO $$
DECLARE
  mapping record;
BEGIN
  FOR mapping IN SELECT srvname, usename FROM pg_user_mappings LOOP
    EXECUTE format('DROP USER MAPPING FOR %s SERVER %I',
                   CASE mapping.usename WHEN 'public' THEN 'public' ELSE quote_ident(mapping.usename) END, mapping.srvname);
  END LOOP;
END $$;
