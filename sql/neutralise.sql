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

-- Queues that workers poll, and schedules that fill them: nothing waits in them. Those of the first kind are in whatever
-- schema the application has chosen; the others' names mean something in their own schema alone.
DO $$
DECLARE
  queue regclass;
BEGIN
  FOR queue IN
    SELECT c.oid FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
     WHERE relkind IN ('r', 'p') AND NOT relispartition AND nspname !~ '^pg_'
       AND (relname IN ('oban_jobs', 'que_jobs', 'river_job', 'procrastinate_jobs', 'delayed_jobs', 'good_jobs',
                        'solid_queue_jobs', 'messenger_messages')
            OR nspname || '.' || relname IN ('graphile_worker._private_jobs', 'graphile_worker.jobs', 'pgboss.job', 'pgboss.schedule',
                        'hdb_catalog.event_log', 'hdb_catalog.hdb_action_log', 'hdb_catalog.hdb_cron_events',
                        'hdb_catalog.hdb_scheduled_events'))
  LOOP
    EXECUTE 'DELETE FROM ' || queue;
  END LOOP;
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
