-- The consumer `follower` of follower.c: its table after those of the engine.
CREATE TABLE follower.heard (
    account_id text NOT NULL,
    order_id   text NOT NULL,
    changes    bigint NOT NULL,
    PRIMARY KEY (account_id, order_id)
);
CREATE TYPE follower.heard_row AS (account_id text, order_id text, changes bigint);

INSERT INTO o2c.consumer_topic VALUES ('follower', 'o2c.order-status', 'in');
