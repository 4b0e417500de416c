-- The order in which inputs were folded.
-- compatible from 3

-- Every batch there ever was, in the order of a partition by batch_seq. Who reads much of it reads
-- stretch by stretch, from 0 on, until one has no rows.
CREATE VIEW :schema.fold_order AS
SELECT partition, (batch_seq - 1) / 1000 AS stretch, batch_seq, next_offsets, business_date,
       cursor_date, cursor_account, cursor_kind, cursor_item, parked, unparked
  FROM :schema.progress;
