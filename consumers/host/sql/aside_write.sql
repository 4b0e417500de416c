INSERT INTO :schema.set_aside
       (partition, topic, record_offset, reason, detail, recorded_at, key, headers, value)
SELECT * FROM unnest($1::integer[], $2::text[], $3::bigint[], $4::text[], $5::text[],
                     $6::timestamptz[], $7::bytea[], $8::bytea[], $9::bytea[])
