-- Keys, indexes, functions, triggers, row security, views: what grew around the tables.

ALTER TABLE categories ADD FOREIGN KEY (parent_id) REFERENCES categories;
ALTER TABLE contacts ADD FOREIGN KEY (customer_id) REFERENCES customers ON DELETE CASCADE,
                     ADD FOREIGN KEY (reports_to) REFERENCES contacts ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
                     ADD CONSTRAINT contacts_email_key UNIQUE (email);
ALTER TABLE users ADD UNIQUE (username), ADD UNIQUE (email);
ALTER TABLE sessions ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
ALTER TABLE api_tokens ADD FOREIGN KEY (user_id) REFERENCES users, ADD UNIQUE (token_hash);
ALTER TABLE products ADD FOREIGN KEY (supplier_id) REFERENCES suppliers, ADD FOREIGN KEY (category_id) REFERENCES categories,
                     ADD CONSTRAINT products_sku_key UNIQUE (sku);
ALTER TABLE billing.prices ADD FOREIGN KEY (product_id) REFERENCES products,
                           ADD CONSTRAINT prices_without_overlap EXCLUDE USING gist (product_id WITH =, valid WITH &&);
ALTER TABLE purchase_orders ADD FOREIGN KEY (customer_id) REFERENCES customers, ADD FOREIGN KEY (contact_id) REFERENCES contacts;
ALTER TABLE purchase_order_lines ADD PRIMARY KEY (order_id, line),
                                 ADD FOREIGN KEY (order_id) REFERENCES purchase_orders ON DELETE CASCADE,
                                 ADD FOREIGN KEY (product_id) REFERENCES products;
ALTER TABLE billing.invoices ADD UNIQUE (number) DEFERRABLE, ADD FOREIGN KEY (order_id) REFERENCES purchase_orders;
ALTER TABLE billing.payments ADD FOREIGN KEY (invoice_id) REFERENCES billing.invoices;
-- From the time before phones were checked: new rows are, old ones never were.
ALTER TABLE contacts ADD CONSTRAINT contacts_phone_check CHECK (phone ~ '^\+[0-9]') NOT VALID;

CREATE INDEX customers_name_trgm ON customers USING gin (name gin_trgm_ops);
CREATE INDEX contacts_customer ON contacts (customer_id) INCLUDE (last_name);
CREATE INDEX contacts_by_name ON contacts (lower(last_name), lower(first_name));
CREATE INDEX products_search ON products USING gin (search);
CREATE INDEX products_attributes ON products USING gin (attributes jsonb_path_ops);
CREATE INDEX purchase_orders_customer ON purchase_orders (customer_id, ordered_at DESC);
CREATE INDEX purchase_orders_open ON purchase_orders (ordered_at) WHERE status IN ('draft', 'placed');
CREATE INDEX purchase_order_lines_product ON purchase_order_lines (product_id);
CREATE INDEX invoices_order ON billing.invoices (order_id);
CREATE INDEX payments_invoice ON billing.payments (invoice_id);
CREATE INDEX events_occurred ON audit.events USING brin (occurred_at);
CREATE INDEX events_object ON audit.events (object_type, object_id);
ALTER TABLE customers CLUSTER ON customers_pkey;
ALTER TABLE contacts ALTER COLUMN notes SET STORAGE EXTERNAL, ALTER COLUMN last_name SET STATISTICS 500;
ALTER TABLE audit.events_older SET (autovacuum_enabled = false, fillfactor = 100);
CREATE STATISTICS customers_place (dependencies, ndistinct) ON city, country FROM customers;
COMMENT ON STATISTICS customers_place IS 'A city lies in one country';
COMMENT ON INDEX customers_name_trgm IS 'Search as you type';

-- The business's clock: tests set it, everybody else has today.
CREATE FUNCTION business_time() RETURNS timestamptz LANGUAGE sql STABLE
  AS $$ SELECT coalesce(nullif(current_setting('shop.clock', true), '')::timestamptz, now()) $$;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql
  AS $$ BEGIN NEW.updated_at := business_time(); RETURN NEW; END $$;
CREATE FUNCTION audit.record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, audit, pg_temp
  AS $$
BEGIN
  INSERT INTO audit.events (occurred_at, action, object_type, object_id, details)
  VALUES (business_time(), lower(TG_OP), TG_TABLE_NAME, OLD.order_id::text, jsonb_build_object('status', OLD.status));
  RETURN NULL;
END $$;
CREATE FUNCTION billing.outstanding(customer integer) RETURNS numeric LANGUAGE sql STABLE PARALLEL SAFE
  BEGIN ATOMIC
    SELECT coalesce(sum(i.gross), 0) - coalesce(sum(p.amount), 0)
    FROM purchase_orders AS o JOIN billing.invoices AS i USING (order_id) LEFT JOIN billing.payments AS p USING (invoice_id)
    WHERE o.customer_id = customer;
  END;
CREATE PROCEDURE audit.forget_before(day date) LANGUAGE sql
  AS $$ DELETE FROM audit.events WHERE occurred_at < day $$;
CREATE FUNCTION billing.keep_first(kept anyelement, anyelement) RETURNS anyelement LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1';
CREATE AGGREGATE billing.first_of(anyelement) (SFUNC = billing.keep_first, STYPE = anyelement);

CREATE TRIGGER customers_touch BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER contacts_touch BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER purchase_orders_touch BEFORE UPDATE ON purchase_orders FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER purchase_orders_audit AFTER UPDATE OF status OR DELETE ON purchase_orders FOR EACH ROW EXECUTE FUNCTION audit.record();

ALTER TABLE contacts ENABLE ROW LEVEL SECURITY;
CREATE POLICY contacts_of_own_country ON contacts FOR SELECT
  USING (EXISTS (SELECT FROM customers AS c WHERE c.customer_id = contacts.customer_id AND c.country = current_setting('shop.country', true)));
COMMENT ON POLICY contacts_of_own_country ON contacts IS 'Sales people see their country';

CREATE VIEW order_totals AS
  SELECT o.order_id, o.customer_id, o.status, o.ordered_at, count(*) AS lines, sum(l.net_total) AS net
  FROM purchase_orders AS o JOIN purchase_order_lines AS l USING (order_id) GROUP BY o.order_id;
CREATE VIEW billing.open_invoices WITH (security_barrier) AS
  SELECT i.invoice_id, i.number, i.due_on, i.gross FROM billing.invoices AS i
  WHERE NOT EXISTS (SELECT FROM billing.payments AS p WHERE p.invoice_id = i.invoice_id);
CREATE VIEW active_customers AS SELECT c.customer_id, c.name, c.city FROM customers AS c
  WHERE EXISTS (SELECT FROM order_totals AS t WHERE t.customer_id = c.customer_id);
CREATE MATERIALIZED VIEW billing.monthly_revenue AS
  SELECT date_trunc('month', issued_on::timestamp)::date AS month, currency, count(*) AS invoices, sum(net) AS net, sum(gross) AS gross
  FROM billing.invoices GROUP BY 1, 2;
CREATE UNIQUE INDEX monthly_revenue_key ON billing.monthly_revenue (month, currency);
COMMENT ON MATERIALIZED VIEW billing.monthly_revenue IS 'Refreshed every night';
COMMENT ON VIEW billing.open_invoices IS 'What customers owe us';
GRANT SELECT ON active_customers TO PUBLIC;
REVOKE EXECUTE ON PROCEDURE audit.forget_before(date) FROM PUBLIC;
