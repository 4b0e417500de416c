SELECT partition, topic, source, source_partition, incarnation, last_seq
  FROM :schema.inbound
 WHERE partition = ANY ($1::integer[])
