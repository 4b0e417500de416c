INSERT INTO :schema.parked
       (partition, parked_no, account_id, state, reason, topic, record_offset, recorded_at,
        event_type, headers, value)
SELECT p, no, account, CASE WHEN reason IS NULL THEN 'queued' ELSE 'parked' END, reason, topic,
       record_offset, recorded_at, event_type, headers, value
  FROM unnest($1::integer[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[],
              $7::timestamptz[], $8::text[], $9::bytea[], $10::bytea[])
    AS r(p, no, account, reason, topic, record_offset, recorded_at, event_type, headers, value)
