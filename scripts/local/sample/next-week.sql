-- The week after: the clock moves from 2026-11-15 to 2026-11-22, and every change follows from what is there.
-- A second week begins where the first ended, so that it may be run again.

SELECT set_config('shop.clock', (coalesce(max(ordered_at), '2026-11-15 00:00:00+00') + interval '1 minute')::text, true)
FROM purchase_orders;

CREATE TEMPORARY TABLE week ON COMMIT DROP AS
  SELECT max(order_id) AS last_order, business_time() AS begin FROM purchase_orders;

INSERT INTO customers (name, billing_address, city, country, credit_limit, created_at, updated_at)
SELECT 'New customer ' || week.last_order + n, ROW('Hafenstraße ' || n, '20457', 'Hamburg', 'DE')::postal_address, 'Hamburg', 'DE', 1000, business_time(), business_time()
FROM week, generate_series(1, 25) AS n;

INSERT INTO purchase_orders (order_id, customer_id, status, ordered_at, reference, updated_at)
SELECT nextval('purchase_orders_order_id_seq'), 1 + (n * 37) % 12000, 'placed', week.begin + n * interval '15 minutes', 'PO/week/' || n, week.begin + n * interval '15 minutes'
FROM week, generate_series(1, 600) AS n;

INSERT INTO purchase_order_lines (order_id, line, product_id, quantity, net_price)
SELECT order_id, line, 1000 + ((order_id * 13 + line) % 4000)::integer, 1 + (order_id % 20)::integer, 10 + line
FROM purchase_orders JOIN week ON order_id > week.last_order, generate_series(1, 3) AS line;

UPDATE purchase_orders SET status = 'shipped', delivery = tstzrange(business_time(), business_time() + interval '2 days')
FROM week WHERE status = 'placed' AND order_id <= week.last_order AND order_id % 3 = 0;
UPDATE contacts SET phone = '+49 40 ' || 5000000 + contact_id WHERE contact_id % 400 = 0;
UPDATE customers SET credit_limit = credit_limit + 250 WHERE customer_id % 500 = 0;

INSERT INTO billing.invoices (order_id, issued_on, due_on, net, vat_rate)
SELECT t.order_id, (business_time() AT TIME ZONE 'GMT')::date, (business_time() AT TIME ZONE 'GMT')::date + 30, t.net, 0.19
FROM order_totals AS t
WHERE t.status = 'shipped' AND NOT EXISTS (SELECT FROM billing.invoices AS i WHERE i.order_id = t.order_id)
ORDER BY t.order_id;

DELETE FROM purchase_orders WHERE order_id IN (SELECT order_id FROM purchase_orders WHERE status = 'draft' ORDER BY order_id LIMIT 40);
DELETE FROM sessions WHERE expires_at < business_time() + interval '7 days';

INSERT INTO audit.events (occurred_at, action, object_type, object_id)
SELECT business_time() + n * interval '20 minutes', 'login', 'users', n::text FROM generate_series(1, 500) AS n;

REFRESH MATERIALIZED VIEW billing.monthly_revenue;
