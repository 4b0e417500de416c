#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "producers/publish/intake.h"
#include "producers/publish/map.h"
#include "producers/publish/outgoing.h"
#include "schemas/events.h"
#include "schemas/wire/json.h"
#include "tests/unit/producers/publish/personal_fields.h"

static char folder[64];
static struct o2c_buf told, made; /* faults; events, one JSON object a line */
static size_t refused_count;

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/o2c-map-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    o2c_buf_init(&told, 1 << 20);
    o2c_buf_init(&made, 1 << 24);
    refused_count = 0;
    return 0;
}

static void path_of(const char *name, char path[512])
{
    snprintf(path, 512, "%s/%s", folder, name);
}

static int tear_down(void **state)
{
    DIR *entries = opendir(folder);
    struct dirent *entry;
    char path[512];
    (void)state;
    assert_non_null(entries);
    while ((entry = readdir(entries))) {
        path_of(entry->d_name, path);
        (void)unlink(path);
    }
    (void)closedir(entries);
    (void)rmdir(folder);
    o2c_buf_clear(&told);
    o2c_buf_clear(&made);
    return 0;
}

static void file(const char *name, const char *text)
{
    char path[512];
    path_of(name, path);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

/* Without the folder, which has another name each time. */
static void tell(void *user, const char *sentence)
{
    const char *at = strstr(sentence, folder);
    (void)user;
    o2c_buf_printf(&told, "%s\n", at ? at + strlen(folder) + 1 : sentence);
}

static enum o2c_verdict on_event(void *user, const struct o2c_outgoing *outgoing,
                                 const struct o2c_event *event, struct o2c_err *err)
{
    json_t *object = o2c_event_to_json(event);
    (void)user;
    (void)outgoing;
    (void)err;
    json_object_del(object, "event_id");
    json_object_del(object, "source");
    json_object_del(object, "company_id");
    char *text = json_dumps(object, JSON_COMPACT);
    o2c_buf_printf(&made, "%s\n", text);
    free(text);
    json_decref(object);
    return O2C_OK;
}

static void on_refused(void *user, const struct o2c_event_type_row *type)
{
    (void)user;
    (void)type;
    refused_count++;
}

static const struct o2c_intake_sink sink = {
    .event = on_event, .fault = tell, .refused = on_refused};

static void run_map(struct o2c_map *map, const struct o2c_intake_sink *to)
{
    struct o2c_intake intake;
    struct o2c_err err;
    o2c_intake_init(&intake, to, O2C_STR("test"));
    if (o2c_map_run(map, &intake, &err))
        fail_msg("%s", err.text);
    o2c_intake_clear(&intake);
    o2c_map_close(map);
}

/* The mapping with ' for "; its events in `made`, its faults in `told`. */
static enum o2c_verdict run(const char *mapping)
{
    char path[512], *text = strdup(mapping);
    struct o2c_map *map;
    struct o2c_err err;
    for (char *at = text; *at; at++)
        if (*at == '\'')
            *at = '"';
    file("map.json", text);
    free(text);
    path_of("map.json", path);
    o2c_buf_reset(&told);
    o2c_buf_reset(&made);
    if (o2c_map_open(&map, path, folder, tell, NULL, &err))
        return err.verdict;
    run_map(map, &sink);
    return O2C_OK;
}

#define CANCEL(fields)                                                                     \
    "{'map':1,'files':{'f':'f.csv'},'rows':[{'from':'f','events':[{'type':'"               \
    "OrderCancelled',"                                                                     \
    "'fields':{'customer_id':'c','order_id':'o','revision':{'constant':2},"                \
    "'reason':{'constant':'x'}" fields "}}]}]}"

static void check_faults(const char *mapping, const char *expected)
{
    assert_int_equal(run(mapping), O2C_PARK);
    if (!strstr(o2c_buf_text(&told), expected))
        fail_msg("\"%s\" is not in:\n%s", expected, o2c_buf_text(&told));
}

static void faults_of_a_mapping_name_path_and_value(void **state)
{
    (void)state;
    file("f.csv", "c,o,d\n1,2,3\n");
    check_faults("{'map':2,'files':{'f':'f.csv'},'rows':[]}",
                 "map.json: map: 2 is not 1\n");
    check_faults("{'map':1,'files':{'f':'f.csv'},'rows':[]}", "map.json: rows: is empty\n");
    check_faults("{'map':1,'files':{'f':'f.csv'}}", "map.json: rows is missing\n");
    check_faults("{'map':1,'files':{'f':{'file':'f.csv','delimiter':';;'}},'rows':[]}",
                 "map.json: files.f.delimiter: \";;\" is not a single ASCII character\n");
    check_faults(
        "{'map':1,'files':{'f':{'file':'f.csv','enc':1}},'rows':[]}",
        "map.json: files.f: \"enc\" is not known here (known: file, delimiter, quote, "
        "encoding, trim, columns)\n");
    check_faults("{'map':1,'files':{'f':7},'rows':[]}",
                 "map.json: files.f: 7 is not a string or an object\n");
    check_faults(
        "{'map':1,'files':{'f':'absent.csv'},'rows':[{'from':'f','events':[{'type':"
        "'X','fields':{'a':'b'}}]}]}",
        "map.json: files.f: there is no file \"absent.csv\" in ");
    check_faults("{'map':1,'files':{'f':'f.csv'},'rows':[{'from':'g','events':[{'type':'X',"
                 "'fields':{'a':'b'}}]}]}",
                 "map.json: rows[0]: \"g\" is not among the files of this mapping\n");
    check_faults(
        "{'map':1,'files':{'f':'f.csv'},'rows':[{'from':'f','events':[{'type':'Ordered'"
        ",'fields':{'a':'b'}}]}]}",
        "map.json: rows[0].events[0].type: \"Ordered\" is no event type\n");
}

static void faults_of_fields_name_path_and_value(void **state)
{
    static const struct {
        const char *mapping, *expected;
    } rows[] = {
        {CANCEL(",'oder':'c'"),
         "rows[0].events[0].fields.oder: \"oder\" is no field of OrderCancelled\n"},
        {CANCEL(",'account_id':'x'"),
         "rows[0].events[0].fields.account_id: \"x\" is no column of f (c, o, d)\n"},
        {CANCEL(",'account_id':{'column':'c','as':'minr'}"),
         "rows[0].events[0].fields.account_id.as: \"minr\" is none of text, integer, "},
        {CANCEL(",'account_id':{'column':'c','text':'{c}'}"),
         "rows[0].events[0].fields.account_id: exactly one of column, text, constant, "
         "list, rows, record must be given, not several\n"},
        {CANCEL(",'account_id':{'as':'text'}"), "must be given, not none\n"},
        {CANCEL(",'account_id':{'text':'A-{c'}"), "text: a \"{\" is not closed\n"},
        {CANCEL(",'account_id':{'column':'c','map':'m'}"),
         "map: \"m\" is not among the values of this mapping\n"},
        {CANCEL(",'occurred_at':{'column':'d','format':['YYYY-QQ-DD']}"),
         "format \"YYYY-QQ-DD\": \"QQ-DD\" is not understood in a date pattern"},
        {CANCEL(",'occurred_at':{'column':'d','time':'9:00'}"),
         "time: \"9:00\" is not hh:mm or hh:mm:ss\n"},
        {CANCEL(",'account_id':{'column':'c','as':'minor','currency':{'column':'d','as':"
                "'minor'}}"),
         "fields.account_id.currency: as: minor is an amount, but a currency is a text\n"},
        {CANCEL(",'line_nos':'d'"), "line_nos is a list: use rows, list or constant\n"},
        {CANCEL(",'line_nos':{'rows':'r','item':'d'}"),
         "\"r\" is not among the groups of these rows\n"},
        {CANCEL(",'account_id':{'record':{'a':'c'}}"), "account_id is no record\n"},
        {"{'map':1,'files':{'f':'f.csv'},'rows':[{'from':'f','events':[{'type':"
         "'OrderCancelled','fields':{'customer_id':'c'}}]}]}",
         "rows[0].events[0].fields: order_id is missing: OrderCancelled cannot be made without "
         "it\n"},
    };
    (void)state;
    file("f.csv", "c,o,d\n1,2,3\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_faults(rows[i].mapping, rows[i].expected);
}

static void a_mapping_that_is_no_json_is_told_with_its_line(void **state)
{
    struct o2c_map *map;
    struct o2c_err err;
    char path[512];
    (void)state;
    file("map.json", "{\n\"map\": 1,,\n}");
    path_of("map.json", path);
    assert_int_equal(o2c_map_open(&map, path, folder, tell, NULL, &err), O2C_FATAL);
    assert_non_null(strstr(err.text, "map.json:2: "));
    assert_int_equal(o2c_map_open(&map, "/nowhere.json", folder, tell, NULL, &err),
                     O2C_FATAL);
    assert_string_equal(err.text, "/nowhere.json: No such file or directory");
}

static void a_header_with_a_column_twice_is_refused(void **state)
{
    (void)state;
    file("f.csv", "c,o,c\n1,2,3\n");
    check_faults(CANCEL(""), "files.f: f.csv: the header has the column \"c\" twice\n");
    file("f.csv", "");
    check_faults(CANCEL(""), "files.f: f.csv: is empty; a header was expected\n");
}

/* What a cell becomes as placed_at, requested_date, price, quantity of an order. */
static void cells_become_dates_times_and_exact_numbers(void **state)
{
    (void)state;
    file("f.csv", "id,date,wish,qty,price,cur\n"
                  "1,31.01.2010 10:20,,\"1.234,5\",\"0,000001\",EUR\n"
                  "2,01.02.2010,15.02.2010,-3,\"108,06\",JPY\n");
    assert_int_equal(
        run("{'map':1,'defaults':{'format':['DD.MM.YYYY hh:mm',"
            "'DD.MM.YYYY'],'time':'08:00',"
            "'zone':'+01:00','decimal_point':',','thousands':'.'},"
            "'files':{'f':'*.csv'},'rows':[{'from':'f','groups':{'self':{'from':'f',"
            "'on':{'id':'id'}}},'events':[{'type':'OrderPlaced','fields':{'customer_id':"
            "{'text':'C{id}'},"
            "'order_id':'id','placed_at':'date','requested_date':'wish','currency':'cur',"
            "'invoice_policy':{'constant':'on_order'},'ship_policy':{'constant':'on_order'},"
            "'lines':{'rows':'self','item':{'record':{'line_no':'id','sku':"
            "{'text':'{{{cur}-{id}'},"
            "'quantity_milli':'qty','unit_price_micro':'price'}}}}}]}]}"),
        O2C_OK);
    assert_string_equal(o2c_buf_text(&told), "");
    assert_string_equal(
        o2c_buf_text(&made),
        "{\"type\":\"OrderPlaced\",\"occurred_at\":\"2010-01-31T09:20:00Z\","
        "\"customer_id\":\"C1\",\"order_id\":\"1\",\"revision\":1,"
        "\"placed_at\":\"2010-01-31T09:20:00Z\",\"currency\":\"EUR\","
        "\"invoice_policy\":\"on_order\",\"ship_policy\":\"on_order\","
        "\"lines\":[{\"line_no\":1,\"sku\":\"{EUR-1\",\"quantity_milli\":1234500,"
        "\"unit_price_micro\":1}]}\n"
        "{\"type\":\"OrderPlaced\",\"occurred_at\":\"2010-02-01T07:00:00Z\","
        "\"customer_id\":\"C2\",\"order_id\":\"2\",\"revision\":1,"
        "\"placed_at\":\"2010-02-01T07:00:00Z\",\"currency\":\"JPY\","
        "\"requested_date\":\"2010-02-15\",\"invoice_policy\":\"on_order\","
        "\"ship_policy\":\"on_order\",\"lines\":[{\"line_no\":2,\"sku\":\"{JPY-2\","
        "\"quantity_milli\":-3000,\"unit_price_micro\":108060000}]}\n");
}

#define TAXED(rate)                                                                        \
    "{'map':1,'files':{'f':'f.csv'},'rows':[{'from':'f','events':[{'type':"                \
    "'InvoiceIssued','fields':{'customer_id':'id','invoice_id':'id','number':'id',"        \
    "'issue_date':{'constant':'2026-01-01'},'currency':{'constant':'EUR'},'lines':{"       \
    "'constant':[]},'net_minor':{'constant':0},'gross_minor':{'constant':0},"              \
    "'instalments':{'constant':[]},'taxes':{'list':[{'record':{'tax_code':{'constant':"    \
    "'S'},'base_minor':{'constant':0},'tax_minor':{'constant':0},'rate_ppm':" rate         \
    "}}]}}}]}]}"

static void rates_are_shares_or_percents(void **state)
{
    (void)state;
    file("f.csv", "id,share,percent\n1,0.075,7.5\n2,1,0.0001\n3,0.0000001,0.00001\n");
    assert_int_equal(run(TAXED("'share'")), O2C_OK);
    assert_non_null(strstr(o2c_buf_text(&made), "\"rate_ppm\":75000,"));
    assert_non_null(strstr(o2c_buf_text(&made), "\"rate_ppm\":1000000,"));
    assert_string_equal(o2c_buf_text(&told),
                        "f.csv:4: InvoiceIssued.taxes[0].rate_ppm: column \"share\": "
                        "\"0.0000001\" has more than 6 decimals (name a rounding to allow "
                        "it)\n");
    assert_int_equal(run(TAXED("{'column':'percent','as':'percent'}")), O2C_OK);
    assert_non_null(strstr(o2c_buf_text(&made), "\"rate_ppm\":75000,"));
    assert_non_null(strstr(o2c_buf_text(&made), "\"rate_ppm\":1,"));
    assert_string_equal(o2c_buf_text(&told),
                        "f.csv:4: InvoiceIssued.taxes[0].rate_ppm: column \"percent\": "
                        "\"0.00001\" has more than 4 decimals (name a rounding to allow "
                        "it)\n");
    assert_int_equal(run(TAXED("{'column':'share','as':'ppm','rounding':'down'}")), O2C_OK);
    assert_string_equal(o2c_buf_text(&told), "");
}

#define PROMISE(date)                                                                      \
    "{'map':1,'defaults':{'format':['M/D/YYYY']},'files':{'f':'f.csv'},'rows':[{'from':'"  \
    "f','events':[{'type':'PaymentPromised','fields':{'customer_id':'id','occurred_at':"   \
    "{'column':'day','plus_days':-1},'invoice_ids':{'list':['id']},'amount_minor':{"       \
    "'constant':1},'promised_date':" date "}}]}]}"

static void days_are_added_to_dates_and_moments(void **state)
{
    (void)state;
    file("f.csv", "id,day\n1,2/28/2012\n2,1/1/2013\n");
    assert_int_equal(run(PROMISE("{'column':'day','plus_days':2}")), O2C_OK);
    assert_non_null(strstr(o2c_buf_text(&made), "\"promised_date\":\"2012-03-01\""));
    assert_non_null(strstr(o2c_buf_text(&made), "\"2012-02-27T00:00:00Z\""));
    assert_non_null(strstr(o2c_buf_text(&made), "\"2012-12-31T00:00:00Z\""));
    check_faults(
        PROMISE("{'column':'day','plus_days':40000}"),
        "rows[0].events[0].fields.promised_date: plus_days: not from -36600 to 36600\n");
    check_faults(
        PROMISE("'day','source':{'column':'day','plus_days':1}"),
        "rows[0].events[0].fields.source: plus_days: only a date has days to add to\n");
    file("f.csv", "id,day\n1,12/31/9999\n");
    assert_int_equal(run(PROMISE("{'column':'day','plus_days':1}")), O2C_OK);
    assert_string_equal(o2c_buf_text(&told),
                        "f.csv:2: PaymentPromised.promised_date: column \"day\": "
                        "\"12/31/9999\" leaves the calendar with plus_days\n");
}

#define CUSTOMER(limit)                                                                    \
    "{'map':1,'values':{'lands':{'Germany':'DE','*':'XX'},'none':{'n/a':null,'x':'y'}},"   \
    "'files':{'f':'f.csv'},'rows':[{'from':'f','events':[{'type':'CustomerRegistered','"   \
    "once':"                                                                               \
    "['id'],'fields':{'customer_id':'id','occurred_at':{'constant':'2010-01-01T00:00:00Z'" \
    "},"                                                                                   \
    "'revision':{'constant':1},'name':'name','billing_address':{'record':{'line1':{'"      \
    "column':"                                                                             \
    "'street','default':'?'},'city':{'constant':'Bonn'},'country':{'column':'land','map':" \
    "'lands'}}},'currency':'cur','payment_terms':{'constant':'N30'}," limit "}}]}]}"

static void values_are_mapped_defaulted_and_taken_once_per_key(void **state)
{
    (void)state;
    file("f.csv", "id,name,street,land,cur,limit\n"
                  "1,A,,Germany,EUR,12.30\n"
                  "1,A again,,Germany,EUR,99\n"
                  "2,B,Road 1,Narnia,KWD,1.2345\n"
                  "3,C,Road 2,,JPY,7\n");
    assert_int_equal(
        run(CUSTOMER("'credit_limit_minor':{'column':'limit','rounding':"
                     "'half_up'},'phone':{'column':'street','map':{'*':null}}")),
        O2C_OK);
    assert_non_null(strstr(o2c_buf_text(&made),
                           "\"name\":\"A\",\"billing_address\":{\"line1\":\"?\",\"city\":"
                           "\"Bonn\",\"country\":\"DE\"},\"currency\":\"EUR\","
                           "\"payment_terms\":\"N30\",\"credit_limit_minor\":1230}\n"));
    assert_null(strstr(o2c_buf_text(&made), "A again"));
    assert_non_null(strstr(o2c_buf_text(&made), "\"country\":\"XX\"},\"currency\":\"KWD\","
                                                "\"payment_terms\":\"N30\","
                                                "\"credit_limit_minor\":1235}\n"));
    assert_string_equal(
        o2c_buf_text(&told),
        "f.csv:5: CustomerRegistered.billing_address.country: column \"land\": "
        "is missing; expected a text\n");
    assert_int_equal(refused_count, 1);
}

static void faults_of_cells_name_file_line_field_column_and_value(void **state)
{
    (void)state;
    file("f.csv", "id,name,street,land,cur,limit\n"
                  "1,A,S,Germany,EUR,12.345\n"
                  "2,B,S,Germany,EUR,abc\n"
                  "3,C,S,Germany,EUX,1\n"
                  "4,D,S,Germany\n"
                  "5,E,S,Germany,EUR,1\n");
    assert_int_equal(run(CUSTOMER("'credit_limit_minor':'limit','credit_limit_valid_to':{"
                                  "'column':'id','map':{'2':'x','*':null},'as':'date'}")),
                     O2C_OK);
    assert_string_equal(
        o2c_buf_text(&told),
        "f.csv:2: CustomerRegistered.credit_limit_minor: column \"limit\": \"12.345\" has more "
        "than 2 decimals (name a rounding to allow it)\n"
        "f.csv:3: CustomerRegistered.credit_limit_minor: column \"limit\": \"abc\" is no "
        "decimal number\n"
        "f.csv:3: CustomerRegistered.credit_limit_valid_to: column \"id\": \"x\" is no "
        "date of "
        "the form YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ or YYYY-MM-DD hh:mm:ss\n"
        "f.csv:4: CustomerRegistered.credit_limit_minor: column \"limit\": \"1\" is an "
        "amount, "
        "but its currency is not known\n"
        "f.csv:5: the row has 4 columns instead of 6\n");
    assert_int_equal(refused_count, 4);
    assert_non_null(strstr(o2c_buf_text(&made), "\"customer_id\":\"5\""));
}

/* ---- personal data */

#define SECRET "anna@example.org"

static json_t *fields_of(const struct personal_field *field, size_t depth, json_t *value);

/* What the mapping says of the field: a constant where it is not on the path. */
static json_t *value_of(const struct personal_field *field, size_t depth, json_t *value)
{
    const struct o2c_field *here = field->path[depth];

    if (depth + 1 < field->depth)
        value = json_pack("{s:o}", "record", fields_of(field, depth + 1, value));
    return here->array ? json_pack("{s:[o]}", "list", value) : value;
}

static json_t *fields_of(const struct personal_field *field, size_t depth, json_t *value)
{
    const struct o2c_record *record =
        depth ? field->path[depth - 1]->record : field->type->record;
    json_t *fields = json_object();

    for (size_t i = 0; i < record->field_count; i++) {
        const struct o2c_field *other = &record->fields[i];

        if (!other->optional && !other->has_default && !other->envelope)
            json_object_set_new(fields, other->name, json_pack("{s:s}", "constant", "x"));
    }
    json_object_set_new(fields, field->path[depth]->name, value_of(field, depth, value));
    return fields;
}

static void must_hide(const char *mapping, const char *said)
{
    if (run(mapping) != O2C_OK)
        fail_msg("%s: %s", mapping, o2c_buf_text(&told));
    if (!strstr(o2c_buf_text(&told), said))
        fail_msg("\"%s\" is not said of %s:\n%s", said, mapping, o2c_buf_text(&told));
    if (strstr(o2c_buf_text(&told), SECRET))
        fail_msg("told: %s", o2c_buf_text(&told));
}

static void try_conversions(const struct personal_field *field)
{
    static const struct {
        const char *value, *said;
    } rows[] = {
        {"{\"column\":\"c\",\"map\":{\"a\":\"b\"}}", "is not in the value map"},
        {"{\"column\":\"c\",\"as\":\"date\"}", "is no date of the form "},
        {"{\"column\":\"c\",\"as\":\"integer\"}", "is no decimal number"},
        {"{\"column\":\"c\",\"as\":\"boolean\"}", "is neither true nor false"},
        {"{\"column\":\"c\",\"as\":\"minor\",\"currency\":{\"constant\":\"XX\"}}",
         "is an amount, but its currency is not known"},
        {"{\"text\":\"{id}-{c}\",\"as\":\"integer\"}", "is no decimal number"},
    };
    char said[128];

    if (field->path[field->depth - 1]->record)
        return; /* its own fields come next */
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *mapping =
            json_pack("{s:i,s:{s:s},s:[{s:s,s:[{s:s,s:o}]}]}", "map", 1, "files", "f",
                      "f.csv", "rows", "from", "f", "events", "type", field->type->name,
                      "fields", fields_of(field, 0, json_loads(rows[i].value, 0, NULL)));
        char *text = json_dumps(mapping, 0);

        snprintf(said, sizeof(said), "column \"c\": (personal data, not shown) %s",
                 rows[i].said);
        must_hide(text, said);
        free(text);
        json_decref(mapping);
    }
}

static void no_fault_shows_personal_data(void **state)
{
    (void)state;
    file("f.csv", "id,c\n1," SECRET "\n");
    assert_true(personal_fields_each(try_conversions) > 50);
}

#define PAYER(more)                                                                        \
    "{'map':1,'files':{'f':'f.csv','p':'p.csv'},'rows':[{'from':'f','join':[{'file':'p',"  \
    "'on':{'c':'c'}}],'events':[{'type':'PaymentReceived','fields':{'customer_id':'id',"   \
    "'payment_id':'id','received_date':{'constant':'2026-01-01'},'amount_minor':{"         \
    "'constant':1},'currency':{'constant':'EUR'},'method':{'constant':'cash'}," more       \
    "}}]}]}"

/* A column that becomes personal data is personal wherever else it stands. */
static void a_column_of_personal_data_is_shown_nowhere(void **state)
{
    (void)state;
    file("f.csv", "id,c\n1," SECRET "\n");
    file("p.csv", "c,d\nother,x\n");
    must_hide(PAYER("'payer_name':'c'"),
              "column \"c\": (personal data, not shown) is not in p.csv\n");
    must_hide(PAYER("'payer_name':'p.c'"),
              "column \"c\": (personal data, not shown) is not in p.csv\n");
    file("p.csv", "c,d\n" SECRET ",x\n");
    must_hide(PAYER("'payer_name':'c','value_date':'c'"),
              "value_date: column \"c\": (personal data, not shown) is no date ");
    file("p.csv", "c,d\n" SECRET ",x\n" SECRET ",y\n");
    must_hide(PAYER("'payer_name':'p.c'"),
              "p.csv:3: (personal data, not shown) stands already on line 2\n");
    assert_int_equal(run(PAYER("'payer_name':'id'")), O2C_OK);
    assert_non_null(strstr(o2c_buf_text(&told), "\"" SECRET "\" stands already on"));
}

#define ORDERS                                                                             \
    "{'map':1,'files':{'o':'o.csv','l':'l.csv','p':'p.csv'},'rows':[{'from':'o','when':[{" \
    "'column':'state','not_in':['draft','void']}],'groups':{'ls':{'from':'l','on':{'id':"  \
    "'order'},'sort':['no'],'when':[{'column':'qty','empty':false}],'join':[{'file':'p','" \
    "on'"                                                                                  \
    ":{'sku':'sku'}}]}},'events':[{'type':'ShipmentDispatched','when':[{'column':'state'," \
    "'in'"                                                                                 \
    ":['sent','back']},{'column':'id','not_in':['9']}],'fields':{'customer_id':'who',"     \
    "'shipment_id':'id','order_id':'id','dispatched_at':{'constant':'2010-01-01T00:00:"    \
    "00Z'},"                                                                               \
    "'carrier':'state','lines':{'rows':'ls','item':{'record':{'line_no':'no','sku':"       \
    "'p.code','quantity_milli':'qty'}}}}},{'type':'ShipmentReturned','when':[{'column':"   \
    "'state','equals':'back'}],'fields':{'customer_id':'who','return_id':'id','shipment_"  \
    "id':"                                                                                 \
    "'id','order_id':'id','returned_at':{'constant':'2010-01-02T00:00:00Z'},'reason_code'" \
    ":"                                                                                    \
    "{'constant':'R'},'lines':{'list':[{'record':{'line_no':{'constant':1},"               \
    "'quantity_milli':{'constant':1000}}}]}}}]}]}"

static void rows_are_joined_grouped_sorted_and_filtered(void **state)
{
    (void)state;
    file("o.csv", "id,who,state\n1,A,sent\n2,B,draft\n3,C,back\n4,D,open\n9,E,sent\n");
    file("l.csv", "order,no,sku,qty\n1,10,x,1\n3,1,y,5\n1,9,y,2\n1,2,x,\n");
    file("p.csv", "sku,code\nx,CX\ny,CY\n");
    assert_int_equal(run(ORDERS), O2C_OK);
    assert_string_equal(o2c_buf_text(&told), "");
    const char *first = strstr(o2c_buf_text(&made), "\"shipment_id\":\"1\"");
    assert_non_null(first);
    assert_non_null(strstr(first,
                           "\"lines\":[{\"line_no\":9,\"sku\":\"CY\",\"quantity_milli\":"
                           "2000},{\"line_no\":10,\"sku\":\"CX\",\"quantity_milli\":"
                           "1000}]}\n{\"type\":\"ShipmentDispatched\""));
    const char *last = strstr(o2c_buf_text(&made), "ShipmentReturned");
    assert_non_null(last);
    assert_non_null(strstr(last, "\"lines\":[{\"line_no\":1,\"quantity_milli\":1000}]}\n"));
    assert_null(strstr(o2c_buf_text(&made), "\"E\""));
    assert_null(strstr(o2c_buf_text(&made), "\"B\""));
}

static void a_row_without_its_partner_is_refused_where_it_stands(void **state)
{
    (void)state;
    file("o.csv", "id,who,state\n1,A,sent\n3,C,sent\n");
    file("l.csv", "order,no,sku,qty\n1,1,z,1\n3,1,y,5\n");
    file("p.csv", "sku,code\nx,CX\ny,CY\n");
    assert_int_equal(run(ORDERS), O2C_OK);
    assert_string_equal(
        o2c_buf_text(&told),
        "l.csv:2: ShipmentDispatched.lines[0]: column \"sku\": \"z\" is not in "
        "p.csv\n");
    assert_null(strstr(o2c_buf_text(&made), "\"A\""));
    assert_non_null(strstr(o2c_buf_text(&made), "\"C\""));
}

static void nothing_is_made_of_incomplete_groups(void **state)
{
    (void)state;
    file("o.csv", "id,who,state\n1,A,sent\n");
    file("l.csv", "order,no,sku,qty\n1,1,x,1\n1,2,y\n");
    file("p.csv", "sku,code\nx,CX\ny,CY\n");
    assert_int_equal(run(ORDERS), O2C_OK);
    assert_string_equal(
        o2c_buf_text(&told),
        "l.csv:3: the row has 3 columns instead of 4\n"
        "o.csv: nothing is made of its rows, because rows of l.csv are faulty "
        "and some might be incomplete\n");
    assert_string_equal(o2c_buf_text(&made), "");
    file("l.csv", "order,no,sku,qty\n1,1,x,1\n");
    file("p.csv", "sku,code\nx,CX\nx,CY\n");
    assert_int_equal(run(ORDERS), O2C_OK);
    assert_non_null(
        strstr(o2c_buf_text(&told), "p.csv:3: \"x\" stands already on line 2\n"));
    assert_string_equal(o2c_buf_text(&made), "");
    assert_int_equal(refused_count, 2); /* a row of l.csv before, the row of p.csv now */
}

static void a_zone_does_not_lead_out_of_the_calendar(void **state)
{
    (void)state;
    file("f.csv", "c,o,d\n1,2,0001-01-01\n3,4,9999-12-31 23:59:59\n5,6,2026-01-01\n");
    assert_int_equal(run(CANCEL(",'occurred_at':{'column':'d','zone':'+01:00','time':"
                                "'00:00'}")),
                     O2C_OK);
    assert_string_equal(o2c_buf_text(&told),
                        "f.csv:2: OrderCancelled.occurred_at: column \"d\": \"0001-01-01\" "
                        "leaves the calendar with its time zone\n");
    assert_int_equal(run(CANCEL(",'occurred_at':{'column':'d','zone':'-05:00','time':"
                                "'00:00'}")),
                     O2C_OK);
    assert_string_equal(
        o2c_buf_text(&told),
        "f.csv:3: OrderCancelled.occurred_at: column \"d\": \"9999-12-31 23:59:59\" "
        "leaves the calendar with its time zone\n");
}

static void several_files_of_one_form_are_read_in_name_order(void **state)
{
    (void)state;
    file("2010-02.csv", "c,o\n2,b\n");
    file("2010-01.csv", "c,o\n1,a\n");
    file("map", "");
    assert_int_equal(
        run("{'map':1,'files':{'f':'2010-*.csv'},'rows':[{'from':'f','events':[{"
            "'type':'OrderCancelled','fields':{'occurred_at':{'constant':"
            "'2010-01-01T00:00:00Z'},'customer_id':'c','order_id':'o','revision':"
            "{'constant':2},'reason':{'constant':'x'}}}]}]}"),
        O2C_OK);
    const char *a = strstr(o2c_buf_text(&made), "\"order_id\":\"a\"");
    const char *b = strstr(o2c_buf_text(&made), "\"order_id\":\"b\"");
    assert_true(a && b && a < b);
    file("2010-03.csv", "o,c\n2,b\n");
    check_faults(CANCEL(""), "there is no file \"f.csv\"");
    assert_int_equal(
        run("{'map':1,'files':{'f':'2010-*.csv'},'rows':[{'from':'f','events':[{"
            "'type':'OrderCancelled','fields':{'customer_id':'c'}}]}]}"),
        O2C_PARK);
    assert_non_null(strstr(o2c_buf_text(&told),
                           "2010-03.csv: the header differs from that of 2010-01.csv"));
}

/* How a file is written may be said of each, and of all under defaults. */
static void a_file_is_read_as_the_mapping_says(void **state)
{
    (void)state;
    file("f.csv", "\"7;\xE9\";b\n");
    assert_int_equal(
        run("{'map':1,'defaults':{'delimiter':';','encoding':'latin-1'},'files':{"
            "'f':{'file':'f.csv','quote':'','columns':['c','o']}},'rows':[{'from':"
            "'f','events':[{'type':'OrderCancelled','fields':{'customer_id':'c',"
            "'order_id':'o','revision':{'constant':2},'reason':{'constant':'x'}}}"
            "]}]}"),
        O2C_OK);
    assert_string_equal(o2c_buf_text(&told),
                        "f.csv:1: the row has 3 columns instead of 2\n");
    file("f.csv", "7\xE9;\"b\n");
    assert_int_equal(
        run("{'map':1,'defaults':{'delimiter':',','encoding':'utf-8'},'files':{'f':{"
            "'file':'f.csv','delimiter':';','encoding':'latin-1','quote':'','columns':"
            "['c','o']}},'rows':[{'from':'f','events':[{'type':'OrderCancelled',"
            "'fields':{'customer_id':'c','order_id':'o','revision':{'constant':2},"
            "'reason':{'constant':'x'}}}]}]}"),
        O2C_OK);
    assert_string_equal(o2c_buf_text(&told), "");
    assert_non_null(strstr(o2c_buf_text(&made), "\"customer_id\":\"7\xC3\xA9\","
                                                "\"order_id\":\"\\\"b\""));
}

/* A partner that may be missing leaves its columns empty, which is a condition, too. */
static void a_partner_may_be_missing_where_the_mapping_says_so(void **state)
{
    static const char mapping[] =
        "{'map':1,'files':{'o':'o.csv','p':'p.csv'},'rows':[{'from':'o','join':[{'file':'p',"
        "'on':{'id':'order'},'missing':'empty'}],'when':[{'column':'p.gone','empty':true}],"
        "'events':[{'type':'OrderCancelled','fields':{'customer_id':{'column':'p.who',"
        "'default':'nobody'},'order_id':'id','revision':{'constant':2},'reason':{'constant':"
        "'x'}}}]}]}";

    (void)state;
    file("o.csv", "id\n1\n2\n3\n");
    file("p.csv", "order,who,gone\n1,A,\n3,C,yes\n");
    assert_int_equal(run(mapping), O2C_OK);
    assert_string_equal(o2c_buf_text(&told), "");
    assert_non_null(
        strstr(o2c_buf_text(&made), "\"customer_id\":\"A\",\"order_id\":\"1\""));
    assert_non_null(
        strstr(o2c_buf_text(&made), "\"customer_id\":\"nobody\",\"order_id\":\"2\""));
    assert_null(strstr(o2c_buf_text(&made), "\"order_id\":\"3\""));
}

/* What a cell is, where the field's name and kind do not say it. */
static void a_value_is_what_as_says(void **state)
{
    static const struct {
        const char *as, *cell, *made;
    } rows[] = {
        {"'as':'integer'", "1200", "\"amount_minor\":1200,"},
        {"'as':'micro'", "1.2", "\"amount_minor\":1200000,"},
        {"'as':'milli'", "1.2", "\"amount_minor\":1200,"},
        {"'as':'ppm'", "1.2", "\"amount_minor\":1200000,"},
        {"'as':'percent'", "1.2", "\"amount_minor\":12000,"},
        {"'currency':{'constant':'EUR'}", "1.2", "\"amount_minor\":120,"},
        {"'currency':{'constant':'JPY'},'rounding':'half_even'", "2.5",
         "\"amount_minor\":2,"},
        {"'currency':{'constant':'JPY'},'rounding':'half_up'", "2.5",
         "\"amount_minor\":3,"},
    };
    char text[64], mapping[512];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(text, sizeof(text), "id,a\n1,%s\n", rows[i].cell);
        file("f.csv", text);
        snprintf(mapping, sizeof(mapping),
                 "{'map':1,'files':{'f':'f.csv'},'rows':[{'from':'f','events':[{'type':"
                 "'PaymentPromised','fields':{'customer_id':'id','occurred_at':{'constant':"
                 "'2026-01-01T00:00:00Z'},'invoice_ids':{'list':['id']},'amount_minor':{"
                 "'column':'a',%s},'promised_date':{'constant':'2026-01-02'}}}]}]}",
                 rows[i].as);
        assert_int_equal(run(mapping), O2C_OK);
        if (!strstr(o2c_buf_text(&made), rows[i].made))
            fail_msg("%s of \"%s\": %s%s", rows[i].as, rows[i].cell, o2c_buf_text(&made),
                     o2c_buf_text(&told));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(faults_of_a_mapping_name_path_and_value),
        TEST(faults_of_fields_name_path_and_value),
        TEST(a_mapping_that_is_no_json_is_told_with_its_line),
        TEST(a_header_with_a_column_twice_is_refused),
        TEST(cells_become_dates_times_and_exact_numbers),
        TEST(rates_are_shares_or_percents),
        TEST(days_are_added_to_dates_and_moments),
        TEST(values_are_mapped_defaulted_and_taken_once_per_key),
        TEST(faults_of_cells_name_file_line_field_column_and_value),
        TEST(no_fault_shows_personal_data),
        TEST(a_column_of_personal_data_is_shown_nowhere),
        TEST(rows_are_joined_grouped_sorted_and_filtered),
        TEST(a_row_without_its_partner_is_refused_where_it_stands),
        TEST(nothing_is_made_of_incomplete_groups),
        TEST(a_zone_does_not_lead_out_of_the_calendar),
        TEST(several_files_of_one_form_are_read_in_name_order),
        TEST(a_file_is_read_as_the_mapping_says),
        TEST(a_partner_may_be_missing_where_the_mapping_says_so),
        TEST(a_value_is_what_as_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
