-- The consumer `ledger`: consumers/ledger/rows.h says what the columns mean.
CREATE TABLE ledger.journal (
    account_id      text NOT NULL,
    journal_id      text NOT NULL,
    company_id      text NOT NULL,
    posting         text,
    source_event_id text NOT NULL,
    posting_date    date NOT NULL,
    content         bytea NOT NULL,
    first_seen      timestamptz NOT NULL,
    PRIMARY KEY (account_id, journal_id)
);
CREATE TYPE ledger.journal_row AS (
    account_id text, journal_id text, company_id text, posting text, source_event_id text,
    posting_date date, content bytea, first_seen timestamptz);

CREATE TABLE ledger.journal_line (
    account_id     text NOT NULL,
    journal_id     text NOT NULL,
    line_no        integer NOT NULL,
    ledger_account text NOT NULL,
    customer_id    text NOT NULL,
    currency       text NOT NULL,
    document       text,
    debit_minor    bigint NOT NULL,
    credit_minor   bigint NOT NULL,
    PRIMARY KEY (account_id, journal_id, line_no)
);
CREATE TYPE ledger.journal_line_row AS (
    account_id text, journal_id text, line_no integer, ledger_account text, customer_id text,
    currency text, document text, debit_minor bigint, credit_minor bigint);

CREATE TABLE ledger.total (
    account_id     text NOT NULL,
    ledger_account text NOT NULL,
    customer_id    text NOT NULL,
    company_id     text NOT NULL,
    currency       text NOT NULL,
    debit_minor    bigint NOT NULL,
    credit_minor   bigint NOT NULL,
    PRIMARY KEY (account_id, ledger_account, customer_id, company_id, currency)
) WITH (fillfactor = 50);
CREATE TYPE ledger.total_row AS (
    account_id text, ledger_account text, customer_id text, company_id text, currency text,
    debit_minor bigint, credit_minor bigint);

INSERT INTO o2c.consumer_topic VALUES
    ('ledger', 'o2c.ledger', 'in'),
    ('ledger', 'o2c.conflicts', 'out'),
    ('ledger', 'o2c.parked.ledger', 'out');

-- Of all companies; a company's own lines are in o2c.journal.
CREATE VIEW o2c.ledger_balance AS
SELECT ledger_account AS account, customer_id, currency, sum(debit_minor)::bigint AS debit_minor,
       sum(credit_minor)::bigint AS credit_minor,
       sum(debit_minor - credit_minor)::bigint AS balance_minor, account_id
  FROM ledger.total
 GROUP BY account_id, ledger_account, customer_id, currency;

CREATE VIEW o2c.journal AS
SELECT l.journal_id, j.posting_date, l.line_no, l.ledger_account AS account, l.customer_id,
       l.currency, l.debit_minor, l.credit_minor, l.document, j.posting, j.source_event_id,
       j.company_id, l.account_id
  FROM ledger.journal_line l
  JOIN ledger.journal j USING (account_id, journal_id);

-- What must add up whenever the pipeline is drained; each row a finding.
CREATE FUNCTION ledger.verify() RETURNS SETOF text LANGUAGE sql STABLE AS $$
SELECT format('journal %s of account %s in %s: debits and credits differ by %s', journal_id,
              account_id, currency, sum(debit_minor - credit_minor))
  FROM ledger.journal_line
 GROUP BY account_id, journal_id, currency
HAVING sum(debit_minor) <> sum(credit_minor)
 UNION ALL
SELECT format('ledger account %s of customer %s, account %s, company %s, in %s: total %s/%s, '
              'its lines %s/%s', t.ledger_account, t.customer_id, t.account_id, t.company_id,
              t.currency, t.debit_minor, t.credit_minor, coalesce(l.debit, 0),
              coalesce(l.credit, 0))
  FROM ledger.total t
  LEFT JOIN (SELECT account_id, ledger_account, customer_id, company_id, currency,
                    sum(debit_minor) AS debit, sum(credit_minor) AS credit
               FROM ledger.journal_line JOIN ledger.journal USING (account_id, journal_id)
              GROUP BY 1, 2, 3, 4, 5) l
    USING (account_id, ledger_account, customer_id, company_id, currency)
 WHERE (t.debit_minor, t.credit_minor) IS DISTINCT FROM (coalesce(l.debit, 0), coalesce(l.credit, 0))
$$;
