SELECT ':schema.progress_row_2'::regtype::oid::bigint, ':schema.outbox_row_2'::regtype::oid::bigint
