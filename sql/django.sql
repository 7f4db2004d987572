-- For Django applications: nobody is logged in, nothing waits to be sent, links lead to staging.
-- Copy it, name your host, and list it under before-publish.
DO $$
BEGIN
  IF to_regclass('django_session') IS NOT NULL THEN DELETE FROM django_session; END IF;
  IF to_regclass('authtoken_token') IS NOT NULL THEN DELETE FROM authtoken_token; END IF;
  IF to_regclass('django_celery_beat_periodictask') IS NOT NULL THEN
    UPDATE django_celery_beat_periodictask SET enabled = false;
  END IF;
  IF to_regclass('django_site') IS NOT NULL THEN
    UPDATE django_site SET domain = 'staging.example.com', name = 'staging';
  END IF;
END $$;
