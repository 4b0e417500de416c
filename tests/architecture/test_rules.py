"""The tree keeps every rule, and every rule finds what breaks it."""
import unittest

import rules_c
import rules_includes
import rules_privacy
import rules_sql
import rules_tree
from rule import RULES
from source import CFile, Tree

TREE = Tree.of_repository()


def after_includes(line):
    def change(text):
        lines = text.split("\n")
        last = max(i for i, one in enumerate(lines) if one.startswith("#include"))
        return "\n".join(lines[:last + 1] + [line] + lines[last + 1:])
    return change


def before_includes(line):
    def change(text):
        lines = text.split("\n")
        first = min(i for i, one in enumerate(lines) if one.startswith("#include"))
        return "\n".join(lines[:first] + [line] + lines[first:])
    return change


def replaced(old, new):
    def change(text):
        if old not in text:
            raise ValueError(f"{old!r} is not there")
        return text.replace(old, new, 1)
    return change


def added(text):
    return lambda before: before + text


def function(body, head="static void spoiled(struct unit *unit)"):
    return added(f"\n{head}\n{{\n{body}\n}}\n")


ORDERS, ENGINE = "consumers/orders/apply.c", "consumers/host/engine.c"
SWITCH = ("    switch (kind) {{\n    case {label}:\n        return;\n"
          "    default:\n        break;\n    }}")

# Of each rule: (the file at fault, the change).  `None` as change: {path: change, ...} first.
SPOILS = {
    rules_includes.includes_stay_where_they_may: [
        ("runtime/base/buf.c", before_includes('#include "schemas/events.h"')),
        ("schemas/wire/event.c", before_includes('#include "runtime/pg/pg.h"')),
        ("producers/publish/csv.c", before_includes('#include "consumers/host/host.h"')),
        ("producers/publish/csv.c", before_includes('#include "producers/cli/stack.h"')),
        (ORDERS, before_includes('#include "consumers/shipments/rows.h"')),
        (ORDERS, before_includes('#include "producers/publish/csv.h"')),
        (ORDERS, before_includes('#include "tests/support/rule_cases.h"')),
        (ENGINE, before_includes('#include "consumers/orders/orders.h"')),
    ],
    rules_includes.own_headers_are_named_from_the_root: [
        (ENGINE, before_includes('#include "engine.h"')),
    ],
    rules_includes.rules_never_see_a_library_of_the_shell: [
        (ORDERS, before_includes("#include <libpq-fe.h>")),
        (ORDERS, before_includes("#include <uv.h>")),
        ("consumers/orders/state.c", before_includes("#include <librdkafka/rdkafka.h>")),
        (ORDERS, before_includes('#include "runtime/pg/pg.h"')),
        ("consumers/shipments/rows.h", before_includes('#include "consumers/host/engine.h"')),
    ],
    rules_includes.a_file_includes_its_own_header_first: [
        ("runtime/base/buf.c", before_includes("#include <stdio.h>")),
    ],
    rules_includes.banned_is_included_last: [
        ("runtime/base/buf.c", after_includes("#include <stdio.h>")),
        ("runtime/base/buf.c", replaced('#include "runtime/base/banned.h"\n', "")),
        ("runtime/base/buf.h", before_includes('#include "runtime/base/banned.h"')),
    ],
    rules_includes.banned_is_complete: [
        ("runtime/base/banned.h", replaced("strtok ", "")),
        ("runtime/base/banned.h", replaced("#pragma GCC poison rd_kafka_consume_batch_queue",
                                           "")),
    ],
    rules_includes.a_runtime_module_serves_both_sides: [
        ("runtime/paper/paper.h", "/* paper.h - what no program writes on. */\n"),
    ],
    rules_c.a_header_has_the_guard_of_its_place: [
        ("runtime/base/buf.h", replaced("#ifndef O2C_BASE_BUF_H", "#ifndef O2C_BUF_H")),
        ("schemas/units/money.h", replaced("#define O2C_SCHEMAS_UNITS_MONEY_H",
                                           "#define O2C_UNITS_MONEY_H")),
    ],
    rules_c.a_header_opens_with_what_it_is: [
        ("runtime/base/buf.h", replaced("buf.h - ", "")),
    ],
    rules_c.no_floating_point_in_the_domain: [
        (ORDERS, function("    double price = unit->price;")),
        (ORDERS, function("    unit->price *= 1.19;")),
        (ORDERS, function("    unit->price = 1e6;")),
        ("schemas/wire/json_read.c", function("    put(json_number_value(unit->json));")),
        ("schemas/units/money.h", before_includes("#include <math.h>")),
    ],
    rules_c.only_the_clock_reads_a_clock: [
        (ORDERS, function("    unit->now = time(NULL);")),
        (ENGINE, function("    unit->now = uv_now(unit->loop);")),
    ],
    rules_c.a_switch_over_our_enums_has_no_default: [
        (ENGINE, function(SWITCH.format(label="BATCH_LOADING"))),
        (ORDERS, function(SWITCH.format(label="O2C_ORDER_PLACED"))),
    ],
    rules_c.structs_and_enums_have_no_typedef: [
        (ENGINE, added("\ntypedef struct spoiled spoiled;\n")),
        (ENGINE, added("\ntypedef enum { A, B } spoiled;\n")),
        (ENGINE, added("\ntypedef int spoiled_t;\n")),
        (ENGINE, added("\nstruct spoiled_t {\n    int spoiled;\n};\n")),
    ],
    rules_c.goto_goes_forward: [
        (ENGINE, function("again:\n    if (unit)\n        goto again;")),
    ],
    rules_c.libraries_leave_logging_to_those_who_decide: [
        ("runtime/pg/pg.c", function('    o2c_log_warn("lost", O2C_NO_FIELDS);')),
        ("producers/publish/csv.c", function('    o2c_log_info("read", O2C_NO_FIELDS);')),
    ],
    rules_c.a_verdict_of_a_header_must_be_looked_at: [
        ("runtime/pg/pg.h", added("\nenum o2c_verdict o2c_pg_spoil(struct o2c_err *err);\n")),
    ],
    rules_c.inline_is_for_three_or_four_lines: [
        ("runtime/pg/pg.h", function("    a();\n    b();\n    c();\n    d();\n    e();",
                                     "static inline void spoiled(void)")),
    ],
    rules_c.what_other_folders_see_carries_the_prefix: [
        ("runtime/pg/pg.h", added("\n#define SPOILED 1\n")),
        ("consumers/host/rows.h", added("\nstruct spoiled {\n    int x;\n};\n")),
    ],
    rules_tree.the_top_level_is_what_it_is: [
        ("lib/arena.c", "\n"), ("Makefile", "\n"),
    ],
    rules_tree.a_name_says_what_it_holds: [
        ("runtime/common/x.h", "\n"), ("tests/support/helpers.c", "\n"),
        ("deploy/local/misc.sh", "\n"), ("consumers/orders/order_utils.c", "\n"),
    ],
    rules_tree.nothing_is_left_to_do: [
        (ORDERS, added("/* TO" "DO: returns */\n")), ("deploy/run-local", added("# FIX" "ME\n")),
    ],
    rules_tree.product_code_is_c: [("producers/gateway/serve.py", "\n")],
    rules_tree.text_is_clean: [
        (ORDERS, added("    \n")), ("docs/flow.md", added("no new line")),
        ("deploy/run-local", added("a\r\n")),
    ],
    rules_sql.sql_names_no_other_consumers_schema: [
        ("deploy/migrations/orders/0001_orders.sql",
         added("create view orders.spoiled as select * from shipments.shipment;\n")),
        ("deploy/migrations/relay/0001_relay.sql", added("select * from orders . \"order\";\n")),
        ("consumers/host/sql/claim.sql", added("select * from orders.claim\n")),
        ("consumers/orders/tables.c",
         added('static const char spoiled[] = "select *\\n"\n    "from shipments.shipment";\n')),
    ],
    rules_sql.only_the_union_views_join_consumers: [
        ("deploy/migrations/o2c/0002_union_views.sql",
         added("create view o2c.spoiled as select 1 from orders.a union all"
               " select 2 from shipments.b;\n")),
        ("deploy/migrations/o2c/0002_union_views.sql",
         added("create view o2c.flow as select 1 from orders.a join shipments.b on true;\n")),
    ],
    rules_sql.money_is_no_floating_point_in_sql_either: [
        ("deploy/migrations/orders/0001_orders.sql",
         added("create table orders.spoiled (price double precision);\n")),
    ],
    rules_privacy.no_personal_data_in_logs_keys_or_headers: [
        (ORDERS, function('    o2c_log_info("registered", O2C_T("to", event->email));')),
        (ORDERS, function('    o2c_log_info("registered", O2C_T("who", event->name));',
                          "static void spoiled("
                          "const struct o2c_customer_registered *event)")),
        (ORDERS, function('    return o2c_fail(err, O2C_PARK, "bad account %.*s",\n'
                          '                    O2C_STR_ARG(check->iban));')),
        ("producers/publish/publisher.c",
         function('    rd_kafka_header_add(headers, "to", -1, event->phone.at, 3);')),
    ],
    rules_privacy.personal_data_is_marked: [
        ("schemas/shipments/ShipmentDelivered.avsc",
         replaced('"fields": [', '"fields": [{"name": "email", "type": "string"},')),
    ],
    rules_privacy.keys_are_ids: [
        ("schemas/topics.json", replaced('"key": "account"', '"key": "email"')),
    ],
}


class TheTree(unittest.TestCase):
    def test_keeps_every_rule(self):
        for name, rule in RULES.items():
            with self.subTest(rule=name):
                found = rule(TREE)
                self.assertFalse(found, "\n" + "\n".join(map(str, found)))


class EveryRule(unittest.TestCase):
    def test_is_tested_by_spoiling(self):
        self.assertEqual(set(SPOILS), set(RULES.values()))

    def test_finds_what_breaks_it(self):
        for rule, spoils in SPOILS.items():
            before = {str(fault) for fault in rule(TREE)}
            for number, (path, change) in enumerate(spoils):
                with self.subTest(path=path, number=number, line=str(change)[:40]):
                    found = [fault for fault in rule(TREE.spoiled({path: change}))
                             if str(fault) not in before]
                    folder = {path, path.rsplit("/", 1)[0]}
                    self.assertTrue(any(fault.path in folder for fault in found),
                                    f"found: {[str(fault) for fault in found]}")


class Reading(unittest.TestCase):
    def test_comments_and_texts_are_no_code(self):
        file = CFile("a.c", '/* goto */ f("double"); // 1.5\nint x;\n')
        self.assertEqual(file.bare.split(), ["f(\"", "\");", "int", "x;"])

    def test_functions_are_found_with_their_size(self):
        text = ("static enum o2c_verdict\nlong_name(const char *const *a, size_t n,\n"
                "          void (*f)(int, int))\n{\n    if (a) {\n        while (n)\n"
                "            n--;\n    }\n}\n\nint y(void)\n{\n}\n")
        found = [(f.name, f.line, f.lines, f.parameters, f.nesting)
                 for f in CFile("a.c", text).functions]
        self.assertEqual(found, [("long_name", 1, 9, 3, 2), ("y", 11, 3, 0, 0)])

    def test_no_function_of_the_tree_is_overlooked(self):
        for file in TREE.c_in():
            heads = file.bare.count("\n{\n")
            self.assertEqual(len(file.functions), heads, file.path)


if __name__ == "__main__":
    unittest.main()
