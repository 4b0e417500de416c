UPDATE :schema.parked_order
   SET done_at = clock_timestamp(),
       outcome = CASE $2::text WHEN 'parked again' THEN $2::text ELSE coalesce(outcome, $2::text) END
 WHERE order_no = $1::bigint AND done_at IS NULL
