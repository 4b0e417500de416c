SELECT parked_no, topic, record_offset, recorded_at, headers, value, state = 'parked'
  FROM :schema.parked
 WHERE partition = $1::integer AND account_id = $2::text AND state IN ('parked', 'queued')
 ORDER BY parked_no
 LIMIT $3::bigint
