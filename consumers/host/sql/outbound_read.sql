SELECT partition, topic, seen FROM :schema.outbound WHERE partition = ANY ($1::integer[])
