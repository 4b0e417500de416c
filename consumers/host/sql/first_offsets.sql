SELECT topic, partition, next_offset
  FROM :schema.first_offset
 WHERE partition = ANY ($1::integer[])
