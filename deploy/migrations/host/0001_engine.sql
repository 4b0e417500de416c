-- What the engine keeps in every consumer's schema; consumers/host/sql reads and writes it.
CREATE SCHEMA :schema;

-- Who decides for partition p. Changes only when the partition is claimed.
CREATE TABLE :schema.claim (
    partition       integer PRIMARY KEY,
    epoch           bigint NOT NULL,
    generation      integer NOT NULL,
    owner           text NOT NULL,
    backend_pid     integer NOT NULL,
    backend_start   timestamptz NOT NULL,
    incarnation     uuid NOT NULL,           -- renewed by o2c reset only
    cluster_id      text NOT NULL,
    partition_count integer NOT NULL,
    claimed_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Where it stands: the newest row counts. Totals run from the first record on.
CREATE TABLE :schema.progress (
    partition    integer NOT NULL,
    batch_seq    bigint NOT NULL,
    epoch        bigint NOT NULL,
    next_offsets jsonb NOT NULL,             -- {"o2c.orders": 17}: without the topic prefix
    stream_seqs  jsonb NOT NULL,             -- {"o2c.order-status/3": 9}: last number given
    outbox_no    bigint NOT NULL,            -- last number given
    applied      bigint NOT NULL,            -- records a rule applied
    repeats      bigint NOT NULL,            -- already reflected, or a repeat of a stream
    skipped      bigint NOT NULL,            -- types this consumer has no route for
    parked       bigint NOT NULL,            -- ever parked or queued behind a parked one
    unparked     bigint NOT NULL,            -- of those, since released (applied, not counted there) or discarded
    set_aside    bigint NOT NULL,
    markers      bigint NOT NULL,            -- offsets without a record (transaction markers)
    stored_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (partition, batch_seq)
);

-- Where a topic began for this consumer: written by o2c topics create.
CREATE TABLE :schema.first_offset (
    topic       text NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (topic, partition)
);

-- What has been decided and is to be published; the relay only reads it.
CREATE TABLE :schema.outbox (
    partition        integer NOT NULL,
    outbox_no        bigint NOT NULL,        -- gap-free per partition, from 1
    topic            text NOT NULL,
    target_partition integer NOT NULL,
    stream_seq       bigint NOT NULL,
    incarnation      uuid NOT NULL,
    event_id         uuid NOT NULL,          -- ce_id
    event_type       text NOT NULL,          -- ce_type; NULL value: a tombstone of this type
    subject          text,                   -- ce_subject: account or entity id
    recorded_at      timestamptz NOT NULL,   -- ce_time
    cause            text NOT NULL,          -- o2c_cause: topic/partition/offset#n
    headers          jsonb,                  -- further headers, name to text
    key              bytea,
    value            bytea,
    PRIMARY KEY (partition, outbox_no)
) PARTITION BY RANGE (outbox_no);
CREATE TABLE :schema.outbox_1 PARTITION OF :schema.outbox FOR VALUES FROM (MINVALUE) TO (1000001);
CREATE TABLE :schema.outbox_rest PARTITION OF :schema.outbox DEFAULT;

-- The last record received of each stream of another consumer.
CREATE TABLE :schema.inbound (
    partition        integer NOT NULL,
    topic            text NOT NULL,
    source           text NOT NULL,
    source_partition integer NOT NULL,
    incarnation      uuid NOT NULL,
    last_seq         bigint NOT NULL,
    PRIMARY KEY (partition, topic, source, source_partition)
);

-- Events that cannot be applied, and those of the same account behind them.
CREATE TABLE :schema.parked (
    partition     integer NOT NULL,
    parked_no     bigint NOT NULL,           -- order of arrival in the partition
    account_id    text NOT NULL,
    state         text NOT NULL CHECK (state IN ('parked', 'queued', 'released', 'discarded')),
    reason        text,                      -- why; NULL while queued behind another
    topic         text NOT NULL,
    record_offset bigint NOT NULL,
    recorded_at   timestamptz NOT NULL,
    event_type    text,                      -- NULL if not even that could be read
    headers       bytea,                     -- as received: name, NUL, int32 length (-1: null), bytes; repeated
    value         bytea,
    parked_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    left_at       timestamptz,
    PRIMARY KEY (partition, parked_no)
);
CREATE INDEX parked_now ON :schema.parked (partition, account_id, parked_no)
    WHERE state IN ('parked', 'queued');

-- Records without a usable key: nothing queues behind them.
CREATE TABLE :schema.set_aside (
    partition     integer NOT NULL,
    topic         text NOT NULL,
    record_offset bigint NOT NULL,
    reason        text NOT NULL CHECK (reason IN ('no-key', 'wrong-partition', 'key-mismatch')),
    detail        text NOT NULL,
    recorded_at   timestamptz NOT NULL,
    key           bytea,
    headers       bytea,
    value         bytea,
    set_aside_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (partition, topic, record_offset)
);

-- What a person asked for about a parked account; the partition's owner does it.
CREATE TABLE :schema.parked_order (
    order_no     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partition    integer NOT NULL,
    account_id   text NOT NULL,
    action       text NOT NULL CHECK (action IN ('release', 'discard')),
    actor        text NOT NULL,
    reason       text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    done_at      timestamptz,
    outcome      text
);
CREATE INDEX parked_order_open ON :schema.parked_order (partition) WHERE done_at IS NULL;

-- The fence: every store begins with it. Locks the claim rows in partition order and writes
-- the new positions; raises O2C01 where another process has claimed since.
CREATE FUNCTION :schema.fence(
    partitions integer[], epochs bigint[], batch_seqs bigint[], next_offsets jsonb[],
    stream_seqs jsonb[], outbox_nos bigint[], applied bigint[], repeats bigint[],
    skipped bigint[], parked bigint[], unparked bigint[], set_aside bigint[], markers bigint[])
    RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    held integer;
BEGIN
    PERFORM 1
       FROM :schema.claim c
       JOIN unnest(partitions, epochs) AS mine(partition, epoch)
         ON c.partition = mine.partition AND c.epoch = mine.epoch
      ORDER BY c.partition
        FOR NO KEY UPDATE OF c;
    GET DIAGNOSTICS held = ROW_COUNT;
    IF held <> cardinality(partitions) THEN
        RAISE EXCEPTION 'claimed by another process' USING ERRCODE = 'O2C01';
    END IF;
    INSERT INTO :schema.progress
           (partition, batch_seq, epoch, next_offsets, stream_seqs, outbox_no,
            applied, repeats, skipped, parked, unparked, set_aside, markers)
    SELECT * FROM unnest(partitions, batch_seqs, epochs, next_offsets, stream_seqs, outbox_nos,
                         applied, repeats, skipped, parked, unparked, set_aside, markers)
        ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS held = ROW_COUNT;
    IF held <> cardinality(partitions) THEN
        RAISE EXCEPTION 'batch stored by another process' USING ERRCODE = 'O2C01';
    END IF;
END
$$;

-- The newest position of every partition.
CREATE VIEW :schema.position AS
SELECT c.partition, c.epoch, c.generation, c.owner, c.backend_pid, c.incarnation, c.cluster_id,
       c.partition_count, c.claimed_at, p.batch_seq, p.next_offsets, p.stream_seqs,
       p.outbox_no, p.applied, p.repeats, p.skipped, p.parked, p.unparked, p.set_aside,
       p.markers, p.stored_at
  FROM :schema.claim c
  LEFT JOIN LATERAL (SELECT * FROM :schema.progress p
                      WHERE p.partition = c.partition
                      ORDER BY batch_seq DESC LIMIT 1) p ON true;

CREATE VIEW :schema.consumer_progress AS
SELECT ':consumer'::text AS consumer, f.topic, f.partition,
       coalesce((p.next_offsets ->> f.topic)::bigint, f.next_offset) AS next_offset,
       p.owner, p.claimed_at,
       (SELECT count(*) FROM :schema.parked k
         WHERE k.partition = f.partition AND k.topic = f.topic
           AND k.state IN ('parked', 'queued')) AS parked
  FROM :schema.first_offset f
  LEFT JOIN :schema.position p USING (partition);

INSERT INTO o2c.consumer VALUES (':consumer', ':schema');
