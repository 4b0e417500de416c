-- What consumers that hear the same events must agree on; o2c verify asks on a drained pipeline.
-- Accounts with something parked or dropped in one that listens are left out.

-- Quantities shipped: orders and shipments.
CREATE FUNCTION o2c.verify_quantities() RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF to_regclass('orders.order_line') IS NULL
       OR to_regclass('shipments.shipment_line') IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH troubled AS (
        SELECT p.account_id FROM orders.parked p WHERE p.state <> 'released'
         UNION
        SELECT p.account_id FROM shipments.parked p WHERE p.state <> 'released'
    ), sent AS (
        SELECT account_id, s.order_id, l.line_no, sum(l.dispatched_milli)::bigint AS milli
          FROM shipments.shipment s JOIN shipments.shipment_line l USING (account_id, shipment_id)
         WHERE l.dispatched_milli <> 0
         GROUP BY 1, 2, 3
    ), ordered AS (
        SELECT l.account_id, l.order_id, l.line_no, l.shipped_milli AS milli
          FROM orders.order_line l
         WHERE l.shipped_milli <> 0
    )
    SELECT format('order %s line %s of account %s: %s shipped, its shipments sent %s', order_id,
                  line_no, account_id, coalesce(o.milli, 0), coalesce(s.milli, 0))
      FROM ordered o FULL JOIN sent s USING (account_id, order_id, line_no)
     WHERE coalesce(o.milli, 0) <> coalesce(s.milli, 0)
       AND account_id NOT IN (SELECT t.account_id FROM troubled t);
END
$$;

-- Invoices of orders: orders and receivables. One that names no order is none of orders'.
CREATE FUNCTION o2c.verify_invoices() RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF to_regclass('orders.invoice') IS NULL OR to_regclass('receivables.document') IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH troubled AS (
        SELECT p.account_id FROM orders.parked p WHERE p.state <> 'released'
         UNION
        SELECT p.account_id FROM receivables.parked p WHERE p.state <> 'released'
    ), issued AS (
        SELECT account_id, document_id AS invoice_id, order_id, net_minor,
               cancel_content IS NOT NULL AS cancelled
          FROM receivables.document
         WHERE kind = 'invoice' AND issued
    ), counted AS (
        SELECT account_id, invoice_id, order_id, net_minor, cancelled
          FROM orders.invoice
         WHERE order_id IS NOT NULL
    )
    SELECT format('invoice %s of account %s: order %s, net %s, cancelled %s; orders have %s, %s, %s',
                  invoice_id, account_id, i.order_id, i.net_minor, i.cancelled, c.order_id,
                  c.net_minor, c.cancelled)
      FROM issued i FULL JOIN counted c USING (account_id, invoice_id)
     WHERE (i.invoice_id IS NULL OR i.order_id <> '')
       AND (i.order_id, i.net_minor, i.cancelled)
           IS DISTINCT FROM (c.order_id, c.net_minor, c.cancelled)
       AND account_id NOT IN (SELECT t.account_id FROM troubled t);
END
$$;

-- Receivables and the ledger, which keeps the journals that they post: control accounts, per
-- (account, customer, company, currency). And what is open is what was issued, less what was taken off.
CREATE FUNCTION o2c.verify_ledger() RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF to_regclass('receivables.balance') IS NULL OR to_regclass('ledger.total') IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH posted AS (
        SELECT account_id, customer_id, company_id, currency, ledger_account,
               debit_minor - credit_minor AS minor
          FROM ledger.total
         WHERE ledger_account IN ('receivable', 'unapplied')
    ), kept AS (
        SELECT account_id, customer_id, company_id, currency, 'receivable' AS ledger_account,
               open_minor - credit_minor AS minor
          FROM receivables.balance
         UNION ALL
        SELECT account_id, customer_id, company_id, currency, 'unapplied', -unapplied_minor
          FROM receivables.balance
    )
    SELECT format('ledger account %s of customer %s, account %s, company %s, in %s: posted %s, '
                  'receivables have %s', ledger_account, customer_id, account_id, company_id,
                  currency, coalesce(p.minor, 0), coalesce(k.minor, 0))
      FROM posted p
      FULL JOIN kept k USING (account_id, customer_id, company_id, currency, ledger_account)
     WHERE coalesce(p.minor, 0) <> coalesce(k.minor, 0)
       AND account_id NOT IN (SELECT t.account_id FROM ledger.parked t WHERE t.state <> 'released');
    RETURN QUERY
    WITH issued AS (
        SELECT account_id, currency,
               sum(CASE kind WHEN 'credit_note' THEN -1 ELSE 1 END *
                   (gross_minor - applied_minor - credited_minor - discount_minor -
                    written_off_minor)) AS minor
          FROM receivables.document
         WHERE issued AND cancel_content IS NULL
         GROUP BY 1, 2
    ), kept AS (
        SELECT account_id, currency, sum(open_minor - credit_minor) AS minor
          FROM receivables.balance
         GROUP BY 1, 2
    )
    SELECT format('account %s in %s: open %s, issued less applied, credited, discount and written off %s',
                  account_id, currency, coalesce(k.minor, 0), coalesce(i.minor, 0))
      FROM issued i FULL JOIN kept k USING (account_id, currency)
     WHERE coalesce(i.minor, 0) <> coalesce(k.minor, 0);
END
$$;

-- Open items: receivables, and those who hear of them.
CREATE FUNCTION o2c.verify_open_items() RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF to_regclass('receivables.open_item') IS NULL THEN
        RETURN;
    END IF;
    IF to_regclass('disputes.document') IS NOT NULL THEN
        RETURN QUERY
        SELECT format('%s %s of account %s: open %s, credited %s, disputes have %s, %s', kind, document_id,
                      account_id, coalesce(r.open_minor, 0), coalesce(r.credited_minor, 0),
                      coalesce(d.open_minor, 0), coalesce(d.credited_minor, 0))
          FROM (SELECT account_id, kind, document_id, open_minor, credited_minor
                  FROM receivables.document WHERE issued AND kind IN ('invoice', 'debit_note')) r
          FULL JOIN disputes.document d USING (account_id, kind, document_id)
         WHERE (coalesce(r.open_minor, 0), coalesce(r.credited_minor, 0))
               <> (coalesce(d.open_minor, 0), coalesce(d.credited_minor, 0))
           -- of an invoice and a debit note of one id, disputes know the one published first
           AND NOT (d.document_id IS NULL AND EXISTS (
                   SELECT FROM disputes.document o
                    WHERE o.account_id = r.account_id AND o.document_id = r.document_id))
           AND account_id NOT IN (SELECT t.account_id FROM disputes.parked t
                                   WHERE t.state <> 'released');
    END IF;
    IF to_regclass('reminders.item') IS NOT NULL THEN
        RETURN QUERY
        SELECT format('%s %s instalment %s of account %s: open %s, disputed %s, reminders have %s, %s',
                      kind, document_id, instalment_no, account_id, coalesce(r.open_minor, 0),
                      coalesce(r.disputed_minor, 0), coalesce(m.open_minor, 0),
                      coalesce(m.disputed_minor, 0))
          FROM (SELECT account_id, kind, document_id, instalment_no, open_minor, disputed_minor
                  FROM receivables.open_item WHERE kind IN ('invoice', 'debit_note')) r
          FULL JOIN reminders.item m USING (account_id, kind, document_id, instalment_no)
         WHERE (coalesce(r.open_minor, 0), coalesce(r.disputed_minor, 0))
               <> (coalesce(m.open_minor, 0), coalesce(m.disputed_minor, 0))
           AND account_id NOT IN (SELECT t.account_id FROM reminders.parked t
                                   WHERE t.state <> 'released');
    END IF;
END
$$;

-- Accounts with something parked in receivables, and those whose reminders are held.
CREATE FUNCTION o2c.verify_holds() RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF to_regclass('receivables.parked') IS NULL OR to_regclass('reminders.held') IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT format('account %s: %s records parked in receivables, its reminders are %s', account_id,
                  coalesce(p.records, 0), CASE WHEN h.since IS NULL THEN 'not held'
                                               ELSE 'held' END)
      FROM (SELECT account_id, count(*) AS records FROM receivables.parked
             WHERE state IN ('parked', 'queued') GROUP BY account_id) p
      FULL JOIN reminders.held h USING (account_id)
     WHERE (p.records IS NULL OR h.since IS NULL)
       AND account_id NOT IN (SELECT t.account_id FROM reminders.parked t
                               WHERE t.state <> 'released');
END
$$;

CREATE FUNCTION o2c.verify() RETURNS SETOF text LANGUAGE sql STABLE AS $$
SELECT * FROM o2c.verify_quantities()
 UNION ALL
SELECT * FROM o2c.verify_invoices()
 UNION ALL
SELECT * FROM o2c.verify_ledger()
 UNION ALL
SELECT * FROM o2c.verify_open_items()
 UNION ALL
SELECT * FROM o2c.verify_holds()
$$;
