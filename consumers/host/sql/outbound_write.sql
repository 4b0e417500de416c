INSERT INTO :schema.outbound (partition, topic, seen)
SELECT * FROM unnest($1::integer[], $2::text[], $3::bigint[])
    ON CONFLICT (partition, topic) DO UPDATE SET seen = excluded.seen
