-- For Laravel applications: queues are empty, nobody is logged in, tokens are void.
-- Copy it and list it under before-publish.
DO $$
BEGIN
  IF to_regclass('sessions') IS NOT NULL THEN DELETE FROM sessions; END IF;
  IF to_regclass('jobs') IS NOT NULL THEN DELETE FROM jobs; END IF;
  IF to_regclass('failed_jobs') IS NOT NULL THEN DELETE FROM failed_jobs; END IF;
  IF to_regclass('personal_access_tokens') IS NOT NULL THEN DELETE FROM personal_access_tokens; END IF;
  IF to_regclass('password_reset_tokens') IS NOT NULL THEN DELETE FROM password_reset_tokens; END IF;
END $$;
