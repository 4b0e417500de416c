"""Personal data stays in rows and records: not in keys, headers, logs, metrics or errors."""
import json
import re

from rule import rule
from source import line_at

# Fields of these names are only told from others of the same name by the struct they are in.
PLAIN_WORDS = {"name", "region", "proof", "city"}
OPEN_CALLS = (r"o2c_log_\w+|O2C_[STI]|rd_kafka_header_add|rd_kafka_headers?_\w+"
              r"|RD_KAFKA_V_(?:KEY|HEADER)|o2c_metrics_series|o2c_fail|o2c_fail_in")


def records(schema):
    """Every record that a schema defines, with its own fields."""
    if isinstance(schema, list):
        for part in schema:
            yield from records(part)
    elif isinstance(schema, dict):
        if schema.get("type") == "record":
            yield schema
            for field in schema["fields"]:
                yield from records(field["type"])
        elif isinstance(schema.get("type"), (dict, list)):
            yield from records(schema["type"])
        elif "items" in schema:
            yield from records(schema["items"])


def struct_name(record):
    return "o2c_" + re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", record).lower()


def personal_fields(tree):
    """struct name to the names of its fields with personal data."""
    result = {}
    for path in tree.matching(r"schemas/\w+/\w+(\.v\d+)?\.avsc"):
        for record in records(json.loads(tree.texts[path])):
            personal = {field["name"] for field in record["fields"] if field.get("pii")}
            if personal:
                result.setdefault(struct_name(record["name"]), set()).update(personal)
    return result


def calls(code, name_pattern):
    """(position, text of the arguments) of every call."""
    for match in re.finditer(rf"\b(?:{name_pattern})\(", code):
        depth, at = 1, match.end()
        while depth and at < len(code):
            depth += (code[at] == "(") - (code[at] == ")")
            at += 1
        yield match.start(), code[match.end():at - 1]


@rule
def no_personal_data_in_logs_keys_or_headers(tree):
    personal = personal_fields(tree)
    everywhere = set().union(*personal.values()) - PLAIN_WORDS
    for file in tree.c_in("runtime", "consumers", "producers"):
        typed = {}
        for struct, variable in re.findall(r"\bstruct (o2c_\w+) \*?(\w+)", file.bare):
            typed.setdefault(variable, set()).update(personal.get(struct, ()))
        for position, arguments in calls(file.bare, OPEN_CALLS):
            for variable, field in re.findall(r"(\w+)(?:->|\.)(\w+)", arguments):
                if field in everywhere or field in typed.get(variable, ()):
                    yield (file.path, line_at(file.bare, position),
                           f"{variable}->{field} is personal data")


@rule
def personal_data_is_marked(tree):
    """Names that cannot be anything else are marked in every schema."""
    suspicious = r"(e_?mail|phone|iban|tax_id|vat_id|line[12]|postcode|birth\w*|first_name|" \
                 r"last_name|account_holder|contact\w*|\w*_by|\w*_name)"
    harmless = {"caused_by", "superseded_by", "replaced_by", "legal_name_hash"}
    for path in tree.matching(r"schemas/\w+/\w+\.avsc"):
        for record in records(json.loads(tree.texts[path])):
            for field in record["fields"]:
                if re.fullmatch(suspicious, field["name"]) and not field.get("pii") and \
                        field["name"] not in harmless and field.get("o2c") != "id":
                    yield path, 1, f"{field['name']} is not marked \"pii\": true"


@rule
def keys_are_ids(tree):
    """What a topic is keyed by is an id and no personal data."""
    topics = json.loads(tree.texts["schemas/topics.json"])
    personal = set().union(*personal_fields(tree).values())
    for topic in topics["topics"] if isinstance(topics, dict) and "topics" in topics else []:
        if topic.get("key") in personal:
            yield "schemas/topics.json", 1, f"{topic['name']} is keyed by personal data"
