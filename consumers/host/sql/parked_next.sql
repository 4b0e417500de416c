-- What an account has parked, in order: at most so many records, and so many bytes of them but
-- for the last. Their lengths are known without reading them.
SELECT k.parked_no, k.topic, k.record_offset, k.recorded_at, k.headers, k.value,
       k.state = 'parked'
  FROM (SELECT f.partition, f.parked_no,
               sum(f.bytes) OVER (ORDER BY f.parked_no) - f.bytes AS bytes_before
          FROM (SELECT partition, parked_no,
                       coalesce(octet_length(headers), 0) + coalesce(octet_length(value), 0)
                           AS bytes
                  FROM :schema.parked
                 WHERE partition = $1::integer AND account_id = $2::text
                   AND state IN ('parked', 'queued')
                 ORDER BY parked_no
                 LIMIT $3::bigint) f) f
  JOIN :schema.parked k USING (partition, parked_no)
 WHERE f.bytes_before < $4::bigint
 ORDER BY k.parked_no
