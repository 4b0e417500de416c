"""Shows that o2c-schemagen refuses what it must refuse, on spoiled copies of schemas/.

Run by ctest: guard_test.py PROGRAM SCHEMAS RELEASED_IDS
"""
import copy
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM, SCHEMAS, RELEASED = sys.argv[1:4]
ORDER = "orders/OrderPlaced.avsc"


class Copy:
    """A copy of the schemas that may be spoiled."""

    def __init__(self):
        self.root = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.root.name) / "schemas"
        self.path.mkdir()
        for file in [*pathlib.Path(SCHEMAS).glob("*.json"),
                     *pathlib.Path(SCHEMAS).glob("*/*.avsc")]:
            target = self.path / file.relative_to(SCHEMAS)
            target.parent.mkdir(exist_ok=True)
            shutil.copy(file, target)

    def load(self, name):
        return json.loads((self.path / name).read_text())

    def save(self, name, content):
        (self.path / name).parent.mkdir(exist_ok=True)
        (self.path / name).write_text(json.dumps(content))

    def run(self, command, *more):
        return subprocess.run([PROGRAM, command, self.path, *more], capture_output=True,
                              text=True, timeout=60)

    def evolve(self, change):
        """What a developer does: keep the old file under its number, change the new one."""
        schema = self.load(ORDER)
        self.save("orders/OrderPlaced.v2.avsc", copy.deepcopy(schema))
        change(schema)
        self.save(ORDER, schema)
        return self.run("number")


def field(schema, name):
    return next(f for f in schema["fields"] if f["name"] == name)


def line(name="note", type="string", **more):
    return {"name": name, "type": type, "doc": "a note: text", **more}


class Guard(unittest.TestCase):
    def setUp(self):
        self.copy = Copy()
        self.addCleanup(self.copy.root.cleanup)

    def refused(self, result, *texts):
        self.assertEqual(result.returncode, 1, result.stderr)
        for text in texts:
            self.assertIn(text, result.stderr)

    def accepted(self, result):
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def check(self):
        return self.copy.run("check", RELEASED)


class History(Guard):
    def test_the_schemas_as_they_are_pass(self):
        self.accepted(self.check())

    def test_the_released_list_knows_every_id(self):
        self.assertEqual(json.loads(pathlib.Path(RELEASED).read_text()),
                         self.copy.load("ids.json"),
                         "copy schemas/ids.json to tests/compat/released_ids.json")

    def test_numbering_what_has_its_numbers_changes_nothing(self):
        before = self.copy.load("ids.json")
        self.accepted(self.copy.run("number"))
        self.assertEqual(self.copy.load("ids.json"), before)

    def test_a_field_with_a_default_may_be_added(self):
        self.accepted(self.copy.evolve(lambda s: s["fields"].append(
            line(type=["null", "string"], default=None))))
        self.accepted(self.check())
        last = self.copy.load("ids.json")[-1]
        self.assertEqual((last["name"], last["version"], last["file"]),
                         ("o2c.orders.OrderPlaced", 3, ORDER))

    def test_a_field_without_a_default_may_not_be_added(self):
        self.copy.evolve(lambda s: s["fields"].append(line()))
        self.refused(self.check(), "OrderPlaced", "field note", "has no default")

    def test_an_optional_field_may_not_become_required(self):
        def change(schema):
            field(schema, "customer_reference")["type"] = "string"
            field(schema, "customer_reference")["default"] = ""
        self.copy.evolve(change)
        self.refused(self.check(), "field customer_reference", "not optional any more")

    def test_a_symbol_may_not_be_removed(self):
        self.copy.evolve(lambda s: field(s, "ship_policy")["type"]["symbols"].pop())
        result = self.check()
        self.refused(result, "ship_policy", "on_payment")

    def test_a_type_may_not_change(self):
        self.copy.evolve(lambda s: field(s, "currency").update(type="long"))
        self.refused(self.check(), "field currency", "its type has changed")

    def test_a_long_may_not_become_an_int(self):
        self.copy.evolve(lambda s: field(s, "revision").update(type="int"))
        self.refused(self.check(), "field revision", "its type has changed")

    def test_a_date_may_not_become_a_plain_number(self):
        self.copy.evolve(lambda s: field(s, "requested_date").update(type=["null", "int"]))
        self.refused(self.check(), "field requested_date", "its type has changed")

    def test_a_field_in_a_nested_record_is_guarded_too(self):
        self.copy.evolve(lambda s: field(s, "lines")["type"]["items"]["fields"].append(line()))
        self.refused(self.check(), "field note", "missing in an older version of OrderLine")

    def test_a_file_may_not_change_under_its_id(self):
        schema = self.copy.load(ORDER)
        schema["fields"].append(line(type=["null", "string"], default=None))
        self.copy.save(ORDER, schema)
        self.refused(self.check(), ORDER, "it is not what id 29 stands for")

    def test_a_default_may_not_change_under_its_id(self):
        schema = self.copy.load(ORDER)
        field(schema, "company_id")["default"] = "head office"
        self.copy.save(ORDER, schema)
        self.refused(self.check(), ORDER, "it is not what id 29 stands for")

    def test_an_old_file_may_not_change(self):
        old = "orders/OrderPlaced.v1.avsc"
        schema = self.copy.load(old)
        schema["fields"].pop()
        self.copy.save(old, schema)
        self.refused(self.check(), old, "it is not what id 24 stands for")

    def test_an_old_file_may_not_go(self):
        (self.copy.path / "orders/OrderPlaced.v1.avsc").unlink()
        self.refused(self.check(), "OrderPlaced.v1.avsc")

    def test_a_line_of_ids_may_not_be_removed(self):
        ids = self.copy.load("ids.json")
        del ids[3]
        self.copy.save("ids.json", ids)
        self.refused(self.check(), "ids.json", "never removed")

    def test_the_last_line_of_ids_may_not_be_removed_either(self):
        ids = self.copy.load("ids.json")
        last = ids.pop()
        (self.copy.path / last["file"]).unlink()
        for before in ids:
            if (before["name"], before["version"]) == (last["name"], last["version"] - 1):
                (self.copy.path / before["file"]).rename(self.copy.path / last["file"])
                before["file"] = last["file"]  # the present version again
        self.copy.save("ids.json", ids)
        self.accepted(self.copy.run("check"))
        self.refused(self.check(), last["name"], "was removed")

    def test_a_line_of_ids_may_not_be_changed(self):
        ids = self.copy.load("ids.json")
        schema = self.copy.load("orders/OrderCancelled.avsc")
        schema["fields"].append(line(type=["null", "string"], default=None))
        self.copy.save("orders/OrderCancelled.avsc", schema)
        told = self.copy.run("check").stderr
        changed = next(x for x in ids if x["name"].endswith("OrderCancelled"))
        changed["fingerprint"] = told.split("fingerprint ")[1][:16]
        changed["content"] = told.split("content ")[1][:16]
        self.copy.save("ids.json", ids)
        self.accepted(self.copy.run("check"))
        self.refused(self.check(), "o2c.orders.OrderCancelled", "was changed")

    def test_two_lines_of_ids_may_not_swap(self):
        ids = self.copy.load("ids.json")
        ids[0], ids[1] = dict(ids[1], id=1), dict(ids[0], id=2)
        self.copy.save("ids.json", ids)
        self.refused(self.check(), "the line of id 1 was changed")

    def test_a_version_may_not_be_skipped(self):
        ids = self.copy.load("ids.json")
        skipped = ids[-1]["version"] = ids[-1]["version"] + 1
        self.copy.save("ids.json", ids)
        self.refused(self.check(), f"version {skipped} does not follow")

    def test_a_file_needs_an_id(self):
        schema = self.copy.load("orders/OrderCancelled.avsc")
        schema["name"] = "OrderForgotten"
        self.copy.save("orders/OrderForgotten.avsc", schema)
        self.refused(self.check(), "orders/OrderForgotten.avsc", "no line in ids.json")
        self.accepted(self.copy.run("number"))
        self.accepted(self.check())

    def test_numbering_wants_the_old_version_kept(self):
        schema = self.copy.load(ORDER)
        schema["fields"].append(line(type=["null", "string"], default=None))
        self.copy.save(ORDER, schema)
        before = self.copy.load("ids.json")
        self.refused(self.copy.run("number"), ORDER, "OrderPlaced.v2.avsc")
        self.assertEqual(self.copy.load("ids.json"), before)

    def test_a_nested_record_must_be_the_same_in_every_file(self):
        self.copy.evolve(lambda s: field(s, "lines")["type"]["items"]["fields"].append(
            line(type=["null", "string"], default=None)))
        self.refused(self.check(), "record OrderLine is not the same as in another file")

    def test_an_enum_must_be_the_same_in_every_file(self):
        self.copy.evolve(lambda s: field(s, "ship_policy")["type"]["symbols"].append("never"))
        self.refused(self.check(), "enum ShipPolicy is not the same as in another file")

    def test_a_folder_must_belong_to_a_topic(self):
        topics = self.copy.load("topics.json")
        topics["topics"] = [t for t in topics["topics"] if t["name"] != "o2c.conflicts"]
        self.copy.save("topics.json", topics)
        self.refused(self.check(), "conflicts/ConflictFound.avsc", "no topic")

    def test_a_topic_must_say_how_it_is_placed(self):
        topics = self.copy.load("topics.json")
        topics["topics"][0]["placement"] = "anywhere"
        self.copy.save("topics.json", topics)
        self.refused(self.check(), "placement", "\"anywhere\" is not known")


class Unsupported(Guard):
    """Each is refused by name of file and field, never read as something else."""

    def refuses(self, text, field_name="note", **attributes):
        schema = self.copy.load("orders/OrderCancelled.avsc")
        schema["name"] = "OrderNoted"
        schema["fields"].append({**line(), **attributes})
        self.copy.save("orders/OrderNoted.avsc", schema)
        self.refused(self.copy.run("number"), f"orders/OrderNoted.avsc: field {field_name}:",
                     text)

    def test_a_map(self):
        self.refuses("type \"map\" is not supported", type={"type": "map", "values": "string"})

    def test_fixed_bytes(self):
        self.refuses("type \"fixed\" is not supported",
                     type={"type": "fixed", "name": "Hash", "size": 16})

    def test_bytes_float_double_and_null(self):
        for name in "bytes", "float", "double", "null":
            self.refuses(f"type \"{name}\" is not supported", type=name)

    def test_a_decimal(self):
        self.refuses("logicalType \"decimal\" is not supported", type={
            "type": "long", "logicalType": "decimal"})

    def test_milliseconds(self):
        self.refuses("logicalType \"timestamp-millis\" is not supported", type={
            "type": "long", "logicalType": "timestamp-millis"})

    def test_a_union_of_more_than_null_and_a_type(self):
        self.refuses("a union other than", type=["null", "string", "int"], default=None)
        self.refuses("a union other than", type=["string", "int"])

    def test_a_union_with_null_last(self):
        self.refuses("a union other than", type=["string", "null"], default="")

    def test_a_union_in_a_union(self):
        self.refuses("a union in a union", type=["null", ["null", "string"]], default=None)

    def test_an_optional_field_without_its_default(self):
        schema = self.copy.load("orders/OrderCancelled.avsc")
        schema["fields"].append(line(type=["null", "string"]))
        schema["name"] = "OrderNoted"
        self.copy.save("orders/OrderNoted.avsc", schema)
        self.refused(self.copy.run("number"), "field note", "needs the default null")

    def test_an_array_of_arrays(self):
        self.refuses("an array of arrays", type={
            "type": "array", "items": {"type": "array", "items": "int"}})

    def test_an_array_of_optional_items(self):
        self.refuses("an array of unions", type={"type": "array", "items": ["null", "int"]})

    def test_a_recursive_record(self):
        self.refuses("recursive type", "next", type={
            "type": "record", "name": "Chain", "doc": "A chain.", "fields": [
                line("next", ["null", "Chain"], default=None)]})

    def test_aliases(self):
        self.refuses("attribute \"aliases\" is not supported", aliases=["remark"])

    def test_an_order_of_sorting(self):
        self.refuses("attribute \"order\" is not supported", order="ignore")

    def test_a_type_that_is_not_defined(self):
        self.refuses("type \"Nobody\" is not supported", type="Nobody")

    def test_a_type_defined_twice(self):
        colour = {"type": "enum", "name": "Colour", "doc": "A colour.", "symbols": ["red"]}
        schema = self.copy.load("orders/OrderCancelled.avsc")
        schema["name"] = "OrderNoted"
        schema["fields"] += [line("one", colour), line("two", colour)]
        self.copy.save("orders/OrderNoted.avsc", schema)
        self.refused(self.copy.run("number"), "field two", "\"Colour\" is defined twice")

    def test_a_default_of_another_type(self):
        self.refuses("its default must be a text", default=5)
        self.refuses("its default must be a whole number", type="int", default=1.5)
        self.refuses("its default does not fit an int", type="int", default=2**31)
        self.refuses("the only default of an array", type={"type": "array", "items": "int"},
                     default=[1])

    def test_a_name_that_is_a_word_of_c(self):
        self.refuses("the name is a word of C", "default", name="default")

    def test_a_name_that_is_none(self):
        self.refuses("is no Avro name", "?", name="a-b")

    def test_a_field_without_its_documentation(self):
        self.refuses("\"doc\" is missing", doc="")

    def test_a_common_field_of_another_type(self):
        schema = self.copy.load("orders/OrderCancelled.avsc")
        schema["name"] = "OrderNoted"
        field(schema, "occurred_at")["type"] = "long"
        self.copy.save("orders/OrderNoted.avsc", schema)
        self.refused(self.copy.run("number"), "field occurred_at", "common type")

    def test_what_is_no_json(self):
        (self.copy.path / "orders/OrderNoted.avsc").write_text("{\n\"type\": record}")
        self.refused(self.copy.run("number"), "OrderNoted.avsc", "line 2")

    def test_a_key_that_stands_twice(self):
        (self.copy.path / "orders/OrderNoted.avsc").write_text('{"type": "record", "type": 1}')
        self.refused(self.copy.run("number"), "OrderNoted.avsc", "duplicate object key")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
