"""One PostgreSQL schema per consumer, and nobody reads another's tables."""
import re

from rule import rule
from source import blank, line_at

SHARED = {"host", "o2c", "relay"}        # folders of migrations that are no consumer's
UNION_VIEWS = {"consumer_progress", "waiting", "flow"}


def consumers_of(tree):
    migrations = {path.split("/")[2] for path in tree.matching(r"deploy/migrations/\w+/.*")}
    folders = {path.split("/")[1] for path in tree.matching(r"consumers/\w+/.*")}
    return (migrations | folders) - SHARED


def without_sql_comments(text):
    return re.sub(r"--[^\n]*|/\*.*?\*/", lambda m: blank(m.group()), text, flags=re.DOTALL)


def sql_of(tree):
    """(path, SQL) of every file that holds SQL of the product, lines kept."""
    for path in tree.matching(r"(deploy/migrations|consumers|producers|runtime)/.*\.sql"):
        yield path, without_sql_comments(tree.texts[path])
    for file in tree.c_in("consumers", "producers", "runtime"):
        for match in re.finditer(r'"(?:\\.|[^"\\\n])*"(?:\s*"(?:\\.|[^"\\\n])*")*', file.code):
            if re.search(r"\b(select|insert|update|delete|from|join|into)\b", match.group(),
                         re.IGNORECASE):
                yield file.path, "\n" * file.code.count("\n", 0, match.start()) + match.group()


def owner_of(path):
    """The schema that SQL there may name."""
    match = re.match(r"deploy/migrations/(\w+)/|(?:consumers|producers)/(\w+)/", path)
    return (match[1] or match[2]) if match else None


def names(sql, schema):
    return re.finditer(rf"(?<![\w.$]){schema}\s*\.\s*\"?([a-z_]\w*)", sql)


@rule
def sql_names_no_other_consumers_schema(tree):
    consumers = consumers_of(tree)
    for path, sql in sql_of(tree):
        owner = owner_of(path)
        if owner == "o2c":
            continue
        for schema in sorted(consumers - {owner}):
            for match in names(sql, schema):
                yield path, line_at(sql, match.start()), \
                    f"{match.group()} belongs to the consumer {schema}"


@rule
def only_the_union_views_join_consumers(tree):
    """Each of them is UNION ALL of one such view per consumer; no other view crosses."""
    consumers = consumers_of(tree)
    for path in tree.matching(r"deploy/migrations/o2c/.*\.sql"):
        sql = without_sql_comments(tree.texts[path])
        for match in re.finditer(r"create\s+(?:or\s+replace\s+)?view\s+(?:o2c\.)?(\w+)(.*?);",
                                 sql, re.IGNORECASE | re.DOTALL):
            parts = re.split(r"union\s+all", match[2], flags=re.IGNORECASE)
            used = [{s for s in consumers if re.search(rf"\b{s}\.\w", part)} for part in parts]
            line = line_at(sql, match.start())
            if match[1] not in UNION_VIEWS and len(set().union(*used)) > 1:
                yield path, line, f"view {match[1]} reads several consumers' schemas"
            for schemas in used:
                if len(schemas) > 1:
                    yield path, line, f"view {match[1]} joins {', '.join(sorted(schemas))}"


@rule
def money_is_no_floating_point_in_sql_either(tree):
    for path, sql in sql_of(tree):
        for match in re.finditer(r"\b(real|double\s+precision|float[48]?)\b", sql,
                                 re.IGNORECASE):
            yield path, line_at(sql, match.start()), f"{match.group()}: floating point"
