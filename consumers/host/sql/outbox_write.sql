INSERT INTO :schema.outbox
       (partition, outbox_no, topic, target_partition, stream_seq, incarnation, event_id,
        event_type, subject, recorded_at, cause, headers, key, value, business_date)
SELECT partition, outbox_no, topic, target_partition, stream_seq, incarnation, event_id,
       event_type, subject, recorded_at, cause, headers::jsonb, key, value, business_date
  FROM unnest($1:::schema.outbox_row_2[])
