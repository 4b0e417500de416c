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
    last_hashes  jsonb NOT NULL,             -- {"o2c.orders": [16, "9f3c..."]}: newest record folded, XXH3-64 of its value
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

CREATE TYPE :schema.outbox_row AS (
    partition integer, outbox_no bigint, topic text, target_partition integer,
    stream_seq bigint, incarnation uuid, event_id uuid, event_type text, subject text,
    recorded_at timestamptz, cause text, headers text, key bytea, value bytea);

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
    republished_at timestamptz,              -- by o2c parked republish
    republished_by text,
    republished_reason text,
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
CREATE TYPE :schema.progress_row AS (
    partition integer, batch_seq bigint, epoch bigint, next_offsets text, last_hashes text,
    stream_seqs text, outbox_no bigint, applied bigint, repeats bigint, skipped bigint,
    parked bigint, unparked bigint, set_aside bigint, markers bigint);

CREATE FUNCTION :schema.fence(positions :schema.progress_row[])
    RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    held integer;
BEGIN
    PERFORM 1
       FROM :schema.claim c
       JOIN unnest(positions) mine ON c.partition = mine.partition AND c.epoch = mine.epoch
      ORDER BY c.partition
        FOR NO KEY UPDATE OF c;
    GET DIAGNOSTICS held = ROW_COUNT;
    IF held <> cardinality(positions) THEN
        RAISE EXCEPTION 'claimed by another process' USING ERRCODE = 'O2C01';
    END IF;
    INSERT INTO :schema.progress
           (partition, batch_seq, epoch, next_offsets, last_hashes, stream_seqs, outbox_no,
            applied, repeats, skipped, parked, unparked, set_aside, markers)
    SELECT partition, batch_seq, epoch, next_offsets::jsonb, last_hashes::jsonb,
           stream_seqs::jsonb, outbox_no, applied, repeats, skipped, parked, unparked,
           set_aside, markers
      FROM unnest(positions)
        ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS held = ROW_COUNT;
    IF held <> cardinality(positions) THEN
        RAISE EXCEPTION 'batch stored by another process' USING ERRCODE = 'O2C01';
    END IF;
END
$$;

-- Ends a unit that could not be sent whole, as program_limit_exceeded.
CREATE FUNCTION :schema.give_up(why text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', why USING ERRCODE = '54000';
END
$$;

-- The newest position of every partition.
CREATE VIEW :schema.position AS
SELECT c.partition, c.epoch, c.generation, c.owner, c.backend_pid, c.incarnation, c.cluster_id,
       c.partition_count, c.claimed_at, p.batch_seq, p.next_offsets, p.last_hashes, p.stream_seqs,
       p.outbox_no, p.applied, p.repeats, p.skipped, p.parked, p.unparked, p.set_aside,
       p.markers, p.stored_at
  FROM :schema.claim c
  LEFT JOIN LATERAL (SELECT * FROM :schema.progress p
                      WHERE p.partition = c.partition
                      ORDER BY batch_seq DESC LIMIT 1) p ON true;

-- Takes the partitions over: epoch + 1, in partition order, and hands back where each stands.
-- expected: the epoch this process believes to hold (after a lost connection), NULL for a
-- fresh assignment. O2C01: somebody else has claimed since. O2C02: this database belongs to
-- another cluster or was made for another partition count. O2C03: a newer generation of the
-- group claimed less than `fresh` ago.
CREATE FUNCTION :schema.claim_partitions(
    partitions integer[], expected bigint[], my_generation integer, my_owner text,
    my_cluster_id text, my_partition_count integer, incarnations uuid[], fresh interval)
    RETURNS SETOF :schema.position LANGUAGE plpgsql AS $$
DECLARE
    i integer;
    held :schema.claim;
    my_start timestamptz := (SELECT backend_start FROM pg_stat_activity
                              WHERE pid = pg_backend_pid());
BEGIN
    FOR i IN 1 .. cardinality(partitions) LOOP
        INSERT INTO :schema.claim
        VALUES (partitions[i], 0, my_generation, my_owner, pg_backend_pid(), my_start,
                incarnations[i], my_cluster_id, my_partition_count)
            ON CONFLICT DO NOTHING;
        SELECT * INTO held FROM :schema.claim WHERE partition = partitions[i] FOR UPDATE;
        IF held.cluster_id <> my_cluster_id THEN
            RAISE EXCEPTION 'partition % was claimed on Kafka cluster %, this is %',
                partitions[i], held.cluster_id, my_cluster_id USING ERRCODE = 'O2C02';
        ELSIF held.partition_count <> my_partition_count THEN
            RAISE EXCEPTION 'topics had % partitions, now have %',
                held.partition_count, my_partition_count USING ERRCODE = 'O2C02';
        ELSIF expected[i] IS NOT NULL AND held.epoch <> expected[i] THEN
            RAISE EXCEPTION 'partition % claimed by %', partitions[i], held.owner
                USING ERRCODE = 'O2C01';
        ELSIF expected[i] IS NULL AND held.generation > my_generation
              AND held.owner <> my_owner AND held.claimed_at > clock_timestamp() - fresh THEN
            RAISE EXCEPTION 'partition % claimed by % in generation %, mine is %',
                partitions[i], held.owner, held.generation, my_generation
                USING ERRCODE = 'O2C03';
        END IF;
        UPDATE :schema.claim
           SET epoch = epoch + 1, generation = my_generation, owner = my_owner,
               backend_pid = pg_backend_pid(), backend_start = my_start,
               claimed_at = clock_timestamp()
         WHERE partition = partitions[i];
    END LOOP;
    RETURN QUERY SELECT p.* FROM :schema.position p
                  WHERE p.partition = ANY (partitions) ORDER BY p.partition;
END
$$;

CREATE VIEW :schema.consumer_progress AS
SELECT ':consumer'::text AS consumer, f.topic, f.partition,
       coalesce((p.next_offsets ->> f.topic)::bigint, f.next_offset) AS next_offset,
       p.owner, p.claimed_at,
       (SELECT count(*) FROM :schema.parked k
         WHERE k.partition = f.partition AND k.topic = f.topic
           AND k.state IN ('parked', 'queued')) AS parked
  FROM :schema.first_offset f
  LEFT JOIN :schema.position p USING (partition);

CREATE VIEW :schema.reading_parked AS
SELECT ':consumer'::text AS consumer, account_id, state, reason, topic, partition,
       record_offset, event_type, recorded_at, parked_at
  FROM :schema.parked
 WHERE state IN ('parked', 'queued');

CREATE VIEW :schema.reading_set_aside AS
SELECT ':consumer'::text AS consumer, reason, detail, topic, partition, record_offset,
       recorded_at, set_aside_at, republished_at
  FROM :schema.set_aside;

INSERT INTO o2c.consumer VALUES (':consumer', ':schema');
