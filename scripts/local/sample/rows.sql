-- About 300,000 rows, the same each time: every value comes from a hash of the row's number and of a salt.
-- The business's clock stands at 2026-11-15 00:00 UTC.

CREATE FUNCTION pg_temp.pick(i bigint, salt integer, choices integer) RETURNS integer LANGUAGE sql IMMUTABLE
  AS $$ SELECT ((hashint8extended(i, salt) & 2147483647) % choices)::integer $$;
CREATE FUNCTION pg_temp.past(i bigint, salt integer, days integer) RETURNS timestamptz LANGUAGE sql IMMUTABLE
  AS $$ SELECT timestamptz '2026-11-15 00:00:00+00' - make_interval(secs => pg_temp.pick(i, salt, days * 86400)) $$;
CREATE FUNCTION pg_temp.first_name(i bigint) RETURNS text LANGUAGE sql IMMUTABLE
  AS $$ SELECT ('{Anna,Ben,Chiara,David,Élodie,Felix,Greta,Hugo,Ines,Jonas,Katarzyna,Liam,Maria,Noah,Olga,Paul,Quentin,Rosa,Søren,Tomás,Ursula,Viktor,Wanda,Xenia,Yusuf,Zoë}'::text[])[1 + pg_temp.pick(i, 11, 26)] $$;
CREATE FUNCTION pg_temp.last_name(i bigint) RETURNS text LANGUAGE sql IMMUTABLE
  AS $$ SELECT ('{Andersen,Becker,Costa,Dubois,Eriksson,Fischer,García,Horváth,Ivanova,Jansen,Kowalski,Lindqvist,Müller,Novák,O''Brien,Papadopoulos,Quist,Rossi,Schmidt,Tanaka,Ünal,Vasquez,Weber,Xu,Yılmaz,Zimmermann}'::text[])[1 + pg_temp.pick(i, 12, 26)] $$;
CREATE FUNCTION pg_temp.city(i bigint) RETURNS text LANGUAGE sql IMMUTABLE
  AS $$ SELECT ('{Berlin,Wien,Paris,Lyon,Milano,Porto,Kraków,Praha,Gent,Malmö,Dublin,Utrecht}'::text[])[1 + pg_temp.pick(i, 13, 12)] $$;
CREATE FUNCTION pg_temp.country(i bigint) RETURNS char(2) LANGUAGE sql IMMUTABLE
  AS $$ SELECT ('{DE,AT,FR,FR,IT,PT,PL,CZ,BE,SE,IE,NL}'::text[])[1 + pg_temp.pick(i, 13, 12)]::char(2) $$;
CREATE FUNCTION pg_temp.address(i bigint) RETURNS postal_address LANGUAGE sql IMMUTABLE
  AS $$ SELECT ROW(
    ('{Hauptstraße,Rue de la Paix,Via Roma,Market Lane,Lange Nieuwstraat,"Rynek Główny"}'::text[])[1 + pg_temp.pick(i, 14, 6)] || ' ' || 1 + pg_temp.pick(i, 15, 180),
    lpad(pg_temp.pick(i, 16, 99999)::text, 5, '0'), pg_temp.city(i), pg_temp.country(i))::postal_address $$;
CREATE FUNCTION pg_temp.company(i bigint) RETURNS text LANGUAGE sql IMMUTABLE
  AS $$ SELECT pg_temp.last_name(i) || ' ' || ('{"& Sons",Trading,Logistics,Foods,Instruments,Textiles,Werke,Group}'::text[])[1 + pg_temp.pick(i, 17, 8)] || ' ' || ('{GmbH,SA,SpA,BV,Ltd,AB}'::text[])[1 + pg_temp.pick(i, 18, 6)] $$;
CREATE FUNCTION pg_temp.phone(i bigint) RETURNS text LANGUAGE sql IMMUTABLE
  AS $$ SELECT '+' || (ARRAY[49, 43, 33, 39, 351, 48])[1 + pg_temp.pick(i, 19, 6)] || ' ' || 100 + pg_temp.pick(i, 20, 900) || ' ' || 1000000 + pg_temp.pick(i, 21, 8999999) $$;

INSERT INTO suppliers
SELECT i, pg_temp.company(i + 500000), pg_temp.country(i) || lpad(pg_temp.pick(i, 22, 999999999)::text, 9, '0'),
       pg_temp.address(i + 500000), 1 + pg_temp.pick(i, 23, 5), pg_temp.past(i, 24, 3000)
FROM generate_series(1, 400) AS i;

INSERT INTO customers OVERRIDING SYSTEM VALUE
SELECT i, pg_temp.company(i), CASE WHEN i % 7 > 0 THEN pg_temp.country(i) || lpad(pg_temp.pick(i, 25, 999999999)::text, 9, '0') END,
       pg_temp.address(i), pg_temp.city(i), pg_temp.country(i), 500 * (1 + pg_temp.pick(i, 26, 100)),
       jsonb_build_object('language', lower(pg_temp.country(i)), 'newsletter', i % 3 = 0, 'terms', jsonb_build_array(14, 30)),
       pg_temp.past(i, 27, 3000), timestamptz '2026-11-15 00:00:00+00'
FROM generate_series(1, 12000) AS i;

INSERT INTO contacts
SELECT i, 1 + (i - 1) % 12000, CASE WHEN i > 12000 THEN i - 12000 END, pg_temp.first_name(i), pg_temp.last_name(i),
       format('%s.%s.%s@customer%s.example', lower(left(md5(pg_temp.first_name(i)), 4)), lower(left(md5(pg_temp.last_name(i)), 6)), i, 1 + (i - 1) % 12000),
       CASE WHEN i % 5 > 0 THEN pg_temp.phone(i) END, date '1950-01-01' + pg_temp.pick(i, 28, 19000),
       CASE WHEN i % 4 = 0 THEN pg_temp.address(i + 900000) END,
       CASE WHEN i % 3 = 0 THEN format(E'Call %s %s on %s before ten.\nPrefers \\"%s\\"; invoices by post\t(see file).', pg_temp.first_name(i), pg_temp.last_name(i), pg_temp.phone(i), pg_temp.city(i)) END,
       timestamptz '2026-11-15 00:00:00+00'
FROM generate_series(1, 24000) AS i;

INSERT INTO users
SELECT md5('user' || i)::uuid, lower(left(md5(i::text), 8)), format('staff%s@wholesale.example', i),
       '$2b$12$' || left(translate(encode(sha256(('password' || i)::bytea) || sha256(i::text::bytea), 'base64'), E'+=\n', './'), 53),
       CASE WHEN i % 25 = 0 THEN '{admin,sales}' WHEN i % 2 = 0 THEN '{sales}' ELSE '{warehouse}' END::text[],
       i % 11 > 0, CASE WHEN i % 13 > 0 THEN pg_temp.past(i, 29, 60) END
FROM generate_series(1, 300) AS i;

INSERT INTO sessions
SELECT md5('session' || i), md5('user' || 1 + i % 300)::uuid, '10.0.0.0'::inet + pg_temp.pick(i, 30, 65536),
       jsonb_build_object('csrf', md5('csrf' || i), 'cart', to_jsonb(ARRAY[i, i + 1])), pg_temp.past(i, 31, 14) + interval '14 days'
FROM generate_series(1, 5000) AS i;

INSERT INTO api_tokens
SELECT i, md5('user' || 1 + i % 300)::uuid, sha256(('token' || i)::bytea),
       CASE i % 3 WHEN 0 THEN '{read}' WHEN 1 THEN '{read,write}' ELSE '{}' END::text[],
       pg_temp.past(i, 32, 700), CASE WHEN i % 6 = 0 THEN pg_temp.past(i, 33, 100) END
FROM generate_series(1, 2000) AS i;

INSERT INTO feature_flags
SELECT 'flag_' || i, i % 3 > 0, CASE WHEN i % 3 > 0 THEN 5 * i ELSE 0 END, jsonb_build_array(jsonb_build_object('country', pg_temp.country(i)))
FROM generate_series(1, 20) AS i;

INSERT INTO categories
SELECT i, CASE WHEN i > 8 THEN 1 + pg_temp.pick(i, 34, 8) END, 'Category ' || i FROM generate_series(1, 40) AS i;

INSERT INTO products (product_id, supplier_id, category_id, sku, name, description, attributes, tags, weight_kg, picture) OVERRIDING SYSTEM VALUE
SELECT 999 + i, 1 + pg_temp.pick(i, 35, 400), 9 + pg_temp.pick(i, 36, 32), 'SKU-' || lpad(i::text, 6, '0'),
       ('{Oak,Steel,Linen,Glass,Copper,Paper}'::text[])[1 + pg_temp.pick(i, 37, 6)] || ' ' || ('{table,lamp,cable,bowl,shelf,bracket,curtain}'::text[])[1 + pg_temp.pick(i, 38, 7)] || ' ' || i,
       'Delivered in boxes of ' || 1 + pg_temp.pick(i, 39, 48) || '. Stored dry, shipped within ' || 1 + pg_temp.pick(i, 40, 9) || ' days.',
       jsonb_build_object('colour', ('{red,green,blue,natural}'::text[])[1 + pg_temp.pick(i, 41, 4)], 'box', pg_temp.pick(i, 39, 48), 'ean', 4000000000000 + i),
       (ARRAY['new', 'sale', 'fragile', 'bulky'])[1 : pg_temp.pick(i, 42, 5)], pg_temp.pick(i, 43, 40000) / 1000.0,
       CASE WHEN i % 10 = 0 THEN decode(repeat(md5('picture' || i), 64), 'hex') END
FROM generate_series(1, 4000) AS i;

INSERT INTO billing.prices
SELECT 999 + i, daterange(date '2024-01-01' + 400 * era, CASE era WHEN 0 THEN date '2025-02-04' END), (100 + pg_temp.pick(i + 4000 * era, 44, 90000)) / 100.0
FROM generate_series(1, 4000) AS i, generate_series(0, 1) AS era
WHERE era = 1 OR i % 2 = 0;

INSERT INTO purchase_orders
SELECT i, 1 + pg_temp.pick(i, 45, 12000), 1 + pg_temp.pick(i, 45, 12000) + CASE WHEN i % 2 = 0 THEN 12000 ELSE 0 END,
       CASE WHEN r < 3 THEN 'draft' WHEN r < 10 THEN 'placed' WHEN r < 18 THEN 'shipped' WHEN r < 95 THEN 'delivered' ELSE 'cancelled' END::order_status,
       t, CASE WHEN r BETWEEN 10 AND 94 THEN tstzrange(t + interval '2 days', t + interval '4 days') END,
       CASE WHEN i % 4 > 0 THEN 'PO/' || pg_temp.pick(i, 47, 100000) END, t
FROM (SELECT i, pg_temp.pick(i, 46, 100) AS r, pg_temp.past(i, 48, 700) AS t FROM generate_series(1, 30000) AS i) AS drawn;

INSERT INTO purchase_order_lines (order_id, line, product_id, quantity, net_price, discount)
SELECT i, line, 1000 + pg_temp.pick(i * 8 + line, 49, 4000), 1 + pg_temp.pick(i * 8 + line, 50, 60),
       (100 + pg_temp.pick(i * 8 + line, 51, 90000)) / 100.0, CASE WHEN i % 9 = 0 THEN 0.05 ELSE 0 END
FROM generate_series(1, 30000) AS i, generate_series(1, 1 + pg_temp.pick(i, 52, 5)) AS line;

INSERT INTO billing.invoices (invoice_id, number, order_id, issued_on, due_on, net, vat_rate)
SELECT n, 'INV-' || 100000 + n, order_id, issued_on, issued_on + 30, net, CASE WHEN country = 'DE' THEN 0.19 ELSE 0 END
FROM (
  SELECT row_number() OVER (ORDER BY order_id) AS n, order_id, (ordered_at AT TIME ZONE 'GMT')::date + 4 AS issued_on, country, net
  FROM purchase_orders JOIN customers USING (customer_id)
  JOIN (SELECT order_id, sum(net_total) AS net FROM purchase_order_lines GROUP BY order_id) AS totals USING (order_id)
  WHERE status IN ('shipped', 'delivered')
) AS billed;

INSERT INTO billing.payments OVERRIDING SYSTEM VALUE
SELECT row_number() OVER (ORDER BY invoice_id), invoice_id, issued_on + pg_temp.pick(invoice_id, 53, 40), least(gross, 9999999999),
       'DE' || lpad((pg_temp.pick(invoice_id, 54, 99))::text, 2, '0') || lpad(pg_temp.pick(invoice_id, 55, 2000000000)::text, 18, '0'),
       pg_temp.first_name(invoice_id) || ' ' || pg_temp.last_name(invoice_id)
FROM billing.invoices WHERE pg_temp.pick(invoice_id, 56, 100) < 88;

INSERT INTO audit.events (event_id, occurred_at, actor, action, object_type, object_id, details)
SELECT i, pg_temp.past(i, 57, 390), CASE WHEN i % 17 > 0 THEN md5('user' || 1 + pg_temp.pick(i, 58, 300))::uuid END,
       ('{create,update,update,update,delete,login}'::text[])[1 + pg_temp.pick(i, 59, 6)],
       ('{customers,contacts,purchase_orders,invoices}'::text[])[1 + pg_temp.pick(i, 60, 4)], pg_temp.pick(i, 61, 30000)::text,
       CASE WHEN i % 2 = 0 THEN jsonb_build_object('ip', host('10.0.0.0'::inet + pg_temp.pick(i, 62, 65536)), 'by', pg_temp.first_name(i) || ' ' || pg_temp.last_name(i)) END
FROM generate_series(1, 80000) AS i;

SELECT setval('suppliers_supplier_id_seq', 400), setval('customers_customer_id_seq', 12000), setval('contacts_contact_id_seq', 24000),
       setval('api_tokens_token_id_seq', 2000), setval('products_product_id_seq', 4999), setval('purchase_orders_order_id_seq', 30000),
       setval('audit.events_event_id_seq', 80000),
       setval('billing.invoices_invoice_id_seq', (SELECT max(invoice_id) FROM billing.invoices)),
       setval('billing.payments_payment_id_seq', (SELECT max(payment_id) FROM billing.payments)),
       setval('billing.invoice_numbers', (SELECT 100000 + max(invoice_id) FROM billing.invoices));
