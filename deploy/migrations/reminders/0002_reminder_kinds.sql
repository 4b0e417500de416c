-- An invoice and a debit note may have one id, and stand in one letter: `kinds` says of each of
-- `invoice_ids` which of the two it is.
-- compatible from 1
CREATE OR REPLACE VIEW o2c.reminder AS
SELECT r.reminder_id, r.customer_id, r.run_date, r.level,
       (SELECT array_agg(i.document_id ORDER BY i.item_no) FROM reminders.reminder_item i
         WHERE i.account_id = r.account_id AND i.reminder_id = r.reminder_id) AS invoice_ids,
       r.total_minor, 0::bigint AS fee_minor, r.state, r.channel, NULL::timestamptz AS delivered_at,
       r.currency, r.item_count, r.live_count, r.account_id, r.company_id,
       (SELECT array_agg(i.kind ORDER BY i.item_no) FROM reminders.reminder_item i
         WHERE i.account_id = r.account_id AND i.reminder_id = r.reminder_id) AS kinds
  FROM reminders.reminder r;
