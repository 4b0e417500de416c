-- More is parked than one batch takes: the next batch goes on, and drops nothing further.
UPDATE :schema.parked_order
   SET outcome = CASE action WHEN 'discard' THEN 'discarded' ELSE 'released' END
 WHERE order_no = $1::bigint
