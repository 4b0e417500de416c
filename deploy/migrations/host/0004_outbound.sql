-- The topics it publishes to.
-- compatible from 3

-- Below `seen` stood nothing in the topic's partition that this database had not given out.
CREATE TABLE :schema.outbound (
    partition integer NOT NULL,
    topic     text NOT NULL,
    seen      bigint NOT NULL,               -- offset; noted at a claim and while it works
    PRIMARY KEY (partition, topic)
) WITH (fillfactor = 50);
