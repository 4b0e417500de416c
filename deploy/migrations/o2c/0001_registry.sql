-- The registry of consumers, and the role that reads.
CREATE SCHEMA IF NOT EXISTS o2c;

CREATE TABLE o2c.consumer (
    consumer text PRIMARY KEY,
    schema   text NOT NULL UNIQUE
);

-- Which topics a consumer reads and publishes to: for o2c topics create, lag, drain, verify.
CREATE TABLE o2c.consumer_topic (
    consumer  text NOT NULL REFERENCES o2c.consumer,
    topic     text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('in', 'out')),
    PRIMARY KEY (consumer, topic, direction)
);

DO $$
BEGIN
    CREATE ROLE o2c_reader NOLOGIN;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL; -- roles belong to the whole cluster
END
$$;
GRANT USAGE ON SCHEMA o2c TO o2c_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA o2c GRANT SELECT ON TABLES TO o2c_reader;
