-- An invoice and a debit note may have one id: `kind` says which of the two a case is about.
-- compatible from 1
CREATE OR REPLACE VIEW o2c.dispute AS
SELECT dispute_id, customer_id, document_id AS invoice_id, amount_minor, reason_code, 'customer'::text AS origin,
       state, assignee, opened_at, NULL::date AS due_date, resolution, line_no, decision,
       (SELECT count(*) FROM disputes.event e
         WHERE e.account_id = d.account_id AND e.dispute_id = d.dispute_id
           AND e.type = 'DisputeEvidenceAdded') AS evidence_count,
       account_id, company_id, raised_minor,
       (SELECT i.kind FROM disputes.document i
         WHERE i.account_id = d.account_id AND i.document_id = d.document_id) AS kind
  FROM disputes.dispute d
 WHERE state IS NOT NULL;
