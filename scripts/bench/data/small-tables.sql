-- Many small tables, as every grown application has them: 100 rows, two indexes, and a foreign key for every second one.
-- psql variable: small_tables. Each table is a transaction: a single one would need as many locks as there are tables.

SET client_min_messages = warning;
SET synchronous_commit = off;
SELECT format($$CREATE TABLE small_%1$s (id int PRIMARY KEY, name text NOT NULL UNIQUE, parent_id int, amount numeric(8, 2), noted_at timestamptz);
                INSERT INTO small_%1$s SELECT i, 'name ' || i, 1 + i %% 50, i * 1.25, timestamptz '2025-01-01Z' + i * interval '1 hour'
                  FROM generate_series(1, 100) AS i$$, n)
  FROM generate_series(1, :small_tables) AS n \gexec
SELECT format('ALTER TABLE small_%s ADD FOREIGN KEY (parent_id) REFERENCES small_%s', n, n - 1)
  FROM generate_series(1, :small_tables) AS n WHERE n % 2 = 0 \gexec
