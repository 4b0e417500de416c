"""A consumer of a test in the database of a pipeline: what o2c migrate does for those of the
product, before topics are created."""

from local_stack import ROOT

ENGINE = ROOT / "deploy" / "migrations" / "host"


def note(consumer, folder, version, name):
    return ("INSERT INTO o2c.migration (schema, folder, version, name, sha256)"
            f" VALUES ('{consumer}', '{folder}', {version}, '{name}', 'of a test');\n")


def register(run_sql, consumer, tables):
    """Applies the engine's migrations under the consumer's name, and its own tables."""
    script = ""
    for file in sorted(ENGINE.glob("*.sql")):
        text = file.read_text().replace(":schema", consumer).replace(":consumer", consumer)
        script += f"{text};\n" + note(consumer, "host", int(file.name[:4]), file.stem)
    run_sql(script + tables + note(consumer, consumer, 1, consumer))
