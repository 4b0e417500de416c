INSERT INTO :schema.inbound AS old
       (partition, topic, source, source_partition, incarnation, last_seq)
SELECT * FROM unnest($1::integer[], $2::text[], $3::text[], $4::integer[], $5::uuid[], $6::bigint[])
    ON CONFLICT (partition, topic, source, source_partition)
    DO UPDATE SET incarnation = excluded.incarnation, last_seq = excluded.last_seq
