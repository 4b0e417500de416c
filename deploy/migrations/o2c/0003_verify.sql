-- What consumers that hear the same events must agree on; o2c verify asks on a drained pipeline.
-- Accounts with something parked or dropped in one of them are left out.
CREATE FUNCTION o2c.verify() RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
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
