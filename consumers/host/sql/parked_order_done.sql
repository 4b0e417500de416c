UPDATE :schema.parked_order
   SET done_at = clock_timestamp(), outcome = $2::text
 WHERE order_no = $1::bigint AND done_at IS NULL
