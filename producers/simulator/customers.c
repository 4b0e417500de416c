#include "producers/simulator/customers.h"

#include <inttypes.h>
#include <stdio.h>

#include "producers/simulator/hours.h"
#include "producers/simulator/random.h"
#include "producers/simulator/render.h"
#include "producers/simulator/settings.h"
#include "runtime/base/buf.h"

#include "runtime/base/banned.h"

enum {
    WORD_COUNT = 8,
    TOWN_COUNT = 6,
    COUNTRY_COUNT = 7,
    REGISTERED_DAYS = 60 /* before the first order */
};

struct town {
    const char *name, *region, *postcode; /* region NULL: none is written there */
};

struct country {
    const char *code, *language, *phone, *tax, *street, *legal;
    enum o2c_sim_currency currency;
    int32_t offset_minutes;
    int64_t weight; /* of 100 customers */
    const char *who[WORD_COUNT], *what[WORD_COUNT];
    struct town towns[TOWN_COUNT];
};

static const struct country countries[COUNTRY_COUNT] = {
    {"US",
     "en",
     "+1 555 01",
     "US",
     "Commerce Street",
     "Inc.",
     O2C_SIM_USD,
     -300,
     28,
     {"Harbor", "Summit", "Prairie", "Redwood", "Lakeside", "Ironwood", "Bluebird",
      "Canyon"},
     {"Machine Works", "Supply", "Fabrication", "Tool & Die", "Bearings", "Controls",
      "Equipment", "Industrial"},
     {{"Dayton", "OH", "45402"},
      {"Tulsa", "OK", "74103"},
      {"Erie", "PA", "16501"},
      {"Boise", "ID", "83702"},
      {"Macon", "GA", "31201"},
      {"Fargo", "ND", "58102"}}},
    {"DE",
     "de",
     "+49 30 23125 ",
     "DE",
     "Industriestraße",
     "GmbH",
     O2C_SIM_EUR,
     60,
     22,
     {"Nordlicht", "Falkenberg", "Sommerfeld", "Lindner", "Küstenhof", "Bergmann",
      "Rheintal", "Möller"},
     {"Maschinenbau", "Werkzeuge", "Antriebstechnik", "Anlagenbau", "Fördertechnik",
      "Metallbau", "Hydraulik", "Automation"},
     {{"Kiel", NULL, "24103"},
      {"Jena", NULL, "07743"},
      {"Ulm", NULL, "89073"},
      {"Siegen", NULL, "57072"},
      {"Görlitz", NULL, "02826"},
      {"Aalen", NULL, "73430"}}},
    {"GB",
     "en",
     "+44 1632 960",
     "GB",
     "Foundry Lane",
     "Ltd",
     O2C_SIM_GBP,
     0,
     15,
     {"Ashdown", "Penrose", "Thornbury", "Wexcombe", "Kestrel", "Moorgate", "Calder",
      "Hadleigh"},
     {"Engineering", "Pumps", "Fasteners", "Fluid Power", "Castings", "Drives", "Tooling",
      "Conveyors"},
     {{"Leeds", NULL, "LS1 4AP"},
      {"Derby", NULL, "DE1 2QY"},
      {"Swindon", NULL, "SN1 3BU"},
      {"Dundee", NULL, "DD1 1DA"},
      {"Wrexham", NULL, "LL11 1AY"},
      {"Lisburn", NULL, "BT28 1AA"}}},
    {"FR",
     "fr",
     "+33 1 99 00 ",
     "FR",
     "rue de l’Atelier",
     "SARL",
     O2C_SIM_EUR,
     60,
     12,
     {"Beaumarais", "Valmont", "Clairac", "Hauterive", "Montrieux", "Saint-Aubin",
      "Lorvain", "Périer"},
     {"Mécanique", "Outillage", "Roulements", "Automatismes", "Usinage", "Transmissions",
      "Levage", "Fixations"},
     {{"Lille", NULL, "59000"},
      {"Nantes", NULL, "44000"},
      {"Dijon", NULL, "21000"},
      {"Pau", NULL, "64000"},
      {"Metz", NULL, "57000"},
      {"Brest", NULL, "29200"}}},
    {"JP",
     "ja",
     "+81 50 0000 0",
     "JP",
     "Chuo",
     "K.K.",
     O2C_SIM_JPY,
     540,
     10,
     {"Asahi", "Midori", "Kitayama", "Shirakawa", "Tokiwa", "Hayashi", "Minato", "Kurobe"},
     {"Seiki", "Kikai", "Kogyo", "Denki", "Seisakusho", "Giken", "Tekko", "Sangyo"},
     {{"Nagoya", "Aichi", "460-0008"},
      {"Sendai", "Miyagi", "980-0811"},
      {"Toyama", "Toyama", "930-0002"},
      {"Okayama", "Okayama", "700-0821"},
      {"Suwa", "Nagano", "392-0004"},
      {"Kitakyushu", "Fukuoka", "802-0001"}}},
    {"NL",
     "nl",
     "+31 20 808 1",
     "NL",
     "Havenweg",
     "B.V.",
     O2C_SIM_EUR,
     60,
     8,
     {"Zeewind", "Van Dalen", "De Vries", "Polder", "Oosterhof", "Maasland", "Kievit",
      "Brandt"},
     {"Techniek", "Machines", "Aandrijvingen", "Lagers", "Staalbouw", "Pompen",
      "Besturingen", "Gereedschap"},
     {{"Breda", NULL, "4811 AA"},
      {"Zwolle", NULL, "8011 PK"},
      {"Delft", NULL, "2611 AA"},
      {"Venlo", NULL, "5911 AA"},
      {"Assen", NULL, "9401 AA"},
      {"Goes", NULL, "4461 AA"}}},
    {"IT",
     "it",
     "+39 02 5555 ",
     "IT",
     "Via dell’Officina",
     "S.r.l.",
     O2C_SIM_EUR,
     60,
     5,
     {"Valdora", "Monteverde", "Rossetti", "Carpani", "Belforte", "Lagomar", "Ferrante",
      "Sestri"},
     {"Meccanica", "Utensili", "Cuscinetti", "Automazione", "Oleodinamica", "Impianti",
      "Trasmissioni", "Viteria"},
     {{"Parma", "PR", "43121"},
      {"Udine", "UD", "33100"},
      {"Pisa", "PI", "56121"},
      {"Lecco", "LC", "23900"},
      {"Novara", "NO", "28100"},
      {"Ancona", "AN", "60121"}}},
};

static const char *const payment_terms[] = {"net30", "net14", "net60", "2-10-net30",
                                            "net30"};
static const char *const groups[] = {"wholesale", "maker", "service"};

enum {
    TERMS_COUNT = sizeof(payment_terms) / sizeof(payment_terms[0]),
    GROUP_COUNT = sizeof(groups) / sizeof(groups[0]),
    DISCOUNT_STEP_PPM = 25000
};

static struct o2c_sim_random draws(const struct o2c_sim_settings *settings, int64_t account)
{
    return o2c_sim_random_for((uint64_t)settings->seed, O2C_SIM_FOR_CUSTOMER,
                              (uint64_t)account);
}

static const struct country *draw_country(struct o2c_sim_random *random)
{
    int64_t at = o2c_sim_between(random, 0, 99);
    const struct country *country = countries;
    while (at >= country->weight)
        at -= (country++)->weight;
    return country;
}

bool o2c_sim_has_branch(const struct o2c_sim_settings *settings, int64_t account)
{
    struct o2c_sim_random random = draws(settings, account);
    return o2c_sim_chance(&random, settings->branches * 10000);
}

static size_t write_id(char id[O2C_SIM_CUSTOMER_ID_TEXT], int64_t account, bool is_branch)
{
    return (size_t)snprintf(id, O2C_SIM_CUSTOMER_ID_TEXT, "C%" PRId64 "%s",
                            INT64_C(100001) + account, is_branch ? "-2" : "");
}

/* The first draw (whether there is a branch) is skipped; country and terms follow. */
static const struct country *draw_terms(const struct o2c_sim_settings *settings,
                                        int64_t account, struct o2c_sim_random *ret_random,
                                        struct o2c_sim_customer *ret_customer)
{
    *ret_random = draws(settings, account);
    (void)o2c_sim_next(ret_random);
    const struct country *country = draw_country(ret_random);
    ret_customer->currency = country->currency;
    ret_customer->offset_minutes = country->offset_minutes;
    ret_customer->payment_terms =
        payment_terms[o2c_sim_between(ret_random, 0, TERMS_COUNT - 1)];
    ret_customer->discount_ppm = DISCOUNT_STEP_PPM * o2c_sim_between(ret_random, 0, 4);
    return country;
}

void o2c_sim_customer_of(const struct o2c_sim_settings *settings, int64_t account,
                         bool is_branch, struct o2c_sim_customer *ret_customer)
{
    struct o2c_sim_random random;
    *ret_customer = (struct o2c_sim_customer){.account = account, .is_branch = is_branch};
    ret_customer->id_len = write_id(ret_customer->id, account, is_branch);
    ret_customer->account_id_len = write_id(ret_customer->account_id, account, false);
    (void)draw_terms(settings, account, &random, ret_customer);
}

static void write_address(struct o2c_buf *out, const struct country *country,
                          const struct town *town, int64_t house)
{
    o2c_buf_printf(out,
                   ",\"billing_address\":{\"line1\":\"%s %" PRId64
                   "\",\"city\":\"%s\",\"postcode\":\"%s\"",
                   country->street, house, town->name, town->postcode);
    if (town->region)
        o2c_buf_printf(out, ",\"region\":\"%s\"", town->region);
    o2c_buf_printf(out, ",\"country\":\"%s\"}", country->code);
}

/* A tenth has no limit, a fiftieth gets no credit; the others 5,000 to 250,000. */
static void write_credit_limit(struct o2c_buf *out, struct o2c_sim_random *random,
                               enum o2c_sim_currency currency)
{
    int64_t kind = o2c_sim_between(random, 0, 49);
    int64_t thousands = o2c_sim_between(random, 5, 250);
    int64_t minor = thousands * (currency == O2C_SIM_JPY ? 150000 : 100000);
    if (kind >= 5)
        o2c_buf_printf(out, ",\"credit_limit_minor\":%" PRId64, kind == 49 ? 0 : minor);
}

static void write_profile(struct o2c_buf *out, const struct country *country,
                          const struct o2c_sim_customer *customer,
                          struct o2c_sim_random *random)
{
    const struct town *town = &country->towns[o2c_sim_between(random, 0, TOWN_COUNT - 1)];
    const char *who = country->who[o2c_sim_between(random, 0, WORD_COUNT - 1)];
    const char *what = country->what[o2c_sim_between(random, 0, WORD_COUNT - 1)];
    o2c_buf_printf(out, ",\"revision\":1,\"name\":\"%s %s %s%s%s\"", who, what,
                   country->legal, customer->is_branch ? ", " : "",
                   customer->is_branch ? town->name : "");
    o2c_buf_printf(out, ",\"email\":\"payables@%s.example\"", customer->id);
    o2c_buf_printf(out, ",\"phone\":\"%s%02" PRId64 "\",\"language\":\"%s\"",
                   country->phone, o2c_sim_between(random, 0, 99), country->language);
    write_address(out, country, town, o2c_sim_between(random, 1, 180));
    o2c_buf_printf(out, ",\"tax_id\":\"%s%09" PRId64 "\",\"currency\":\"%s\"", country->tax,
                   o2c_sim_between(random, 1000000, 999999999),
                   o2c_sim_currency_code(country->currency));
    o2c_buf_printf(out, ",\"payment_terms\":\"%s\"", customer->payment_terms);
    write_credit_limit(out, random, country->currency);
    o2c_buf_printf(out,
                   ",\"customer_group\":\"%s\",\"payment_method\":\"%s\""
                   ",\"reminder_channel\":\"%s\"}\n",
                   groups[o2c_sim_between(random, 0, GROUP_COUNT - 1)],
                   o2c_sim_chance(random, 150000) ? "direct_debit" : "transfer",
                   o2c_sim_chance(random, 200000) ? "letter" : "email");
}

void o2c_sim_customer_write(const struct o2c_sim_settings *settings, int64_t account,
                            bool is_branch, struct o2c_buf *out)
{
    struct o2c_sim_customer customer;
    struct o2c_sim_random random;
    o2c_sim_customer_of(settings, account, is_branch, &customer);
    const struct country *country = draw_terms(settings, account, &random, &customer);
    for (int skipped = 0; is_branch && skipped < 3; skipped++)
        (void)o2c_sim_next(
            &random); /* another town than the account's, more often than not */
    int64_t at_us = o2c_sim_working_moment(
        (int32_t)settings->start_date - REGISTERED_DAYS, REGISTERED_DAYS - 1,
        ((uint64_t)account << 32) / (uint64_t)settings->accounts, country->offset_minutes);
    o2c_sim_write_head(out, "CustomerRegistered", settings,
                       ((uint64_t)account << 1) | is_branch | UINT64_C(1) << 63, at_us,
                       "crm", &customer);
    write_profile(out, country, &customer, &random);
}
