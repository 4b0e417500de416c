-- The last batch that is recorded for a partition, and still to be folded or folded already.
SELECT partition, max(batch_seq)
  FROM :schema.replay
 WHERE partition = ANY ($1::integer[])
 GROUP BY partition
