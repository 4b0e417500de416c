-- The order of another database that this one is to fold by: written by o2c rebuild.
-- compatible from 3

-- Batch batch_seq of a partition left it at this position. While there are rows behind the
-- newest position, the consumer folds them and nothing else; afterwards they are history.
CREATE TABLE :schema.replay (
    partition      integer NOT NULL,
    batch_seq      bigint NOT NULL,
    next_offsets   jsonb NOT NULL,
    outbox_no      bigint,                   -- NULL: not kept any more
    parked         bigint NOT NULL,
    unparked       bigint NOT NULL,
    business_date  date,
    cursor_date    date,
    cursor_account text,
    cursor_kind    text,
    cursor_item    text,
    PRIMARY KEY (partition, batch_seq)
);
