SELECT partition, epoch, incarnation, coalesce(batch_seq, 0),
       coalesce(next_offsets, '{}')::text, coalesce(last_hashes, '{}')::text,
       coalesce(stream_seqs, '{}')::text, coalesce(outbox_no, 0), coalesce(applied, 0),
       coalesce(repeats, 0), coalesce(skipped, 0), coalesce(parked, 0),
       coalesce(unparked, 0), coalesce(set_aside, 0), coalesce(markers, 0),
       business_date, cursor_date, cursor_account, cursor_kind, cursor_item,
       coalesce(tick_emitted, 0)
  FROM :schema.claim_partitions($1::integer[], $2::bigint[], $3::integer, $4::text, $5::text,
                                $6::integer, $7::uuid[], $8::bigint * interval '1 millisecond')
