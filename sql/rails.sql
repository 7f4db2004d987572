-- For Rails applications: queues are empty, nobody is logged in.
-- Copy it and list it under before-publish.
DO $$
BEGIN
  IF to_regclass('sessions') IS NOT NULL THEN DELETE FROM sessions; END IF;
  IF to_regclass('delayed_jobs') IS NOT NULL THEN DELETE FROM delayed_jobs; END IF;
  IF to_regclass('good_jobs') IS NOT NULL THEN DELETE FROM good_jobs; END IF;
  IF to_regclass('solid_queue_jobs') IS NOT NULL THEN DELETE FROM solid_queue_jobs; END IF;
  IF to_regclass('active_storage_blobs') IS NOT NULL THEN
    UPDATE active_storage_blobs SET service_name = 'staging';
  END IF;
END $$;
