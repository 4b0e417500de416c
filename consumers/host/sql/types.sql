SELECT ':schema.progress_row'::regtype::oid::bigint, ':schema.outbox_row'::regtype::oid::bigint
