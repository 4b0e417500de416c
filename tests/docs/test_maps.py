"""The mappings of the docs have the form that map.schema.json gives them, as another validator reads
it: what an editor underlines and what o2c refuses must be the same.

exit status 77 (skipped) where jsonschema is missing, unless CI is set.
"""

import copy
import json
import os
import re
import sys
import unittest
from pathlib import Path

try:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import validator_for
except ModuleNotFoundError as missing:
    print(f"skipped: {missing}: pip install -r tests/requirements.txt")
    sys.exit(1 if os.environ.get("CI") else 77)

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "producers/publish/map.schema.json").read_text(encoding="utf-8"))
MAPS = sorted((ROOT / "docs/maps").glob("*.json"))


class Maps(unittest.TestCase):
    def setUp(self):
        self.validator = validator_for(SCHEMA, default=Draft202012Validator)(SCHEMA)

    def test_the_schema_is_one(self):
        type(self.validator).check_schema(SCHEMA)

    def test_every_mapping_of_the_docs_has_its_form(self):
        self.assertGreaterEqual(len(MAPS), 2)
        for path in MAPS:
            with self.subTest(path.name):
                document = json.loads(path.read_text(encoding="utf-8"))
                self.assertEqual([error.message for error in self.validator.iter_errors(document)],
                                 [])

    def test_so_has_the_one_that_publishing_md_takes_apart(self):
        page = (ROOT / "docs/publishing.md").read_text(encoding="utf-8")
        (text,) = [block for block in re.findall(r"```json\n(.*?)```", page, re.S)
                   if '"map": 1' in block]
        self.assertEqual(list(self.validator.iter_errors(json.loads(text))), [])

    def test_what_is_no_mapping_is_refused(self):
        good = json.loads(MAPS[0].read_text(encoding="utf-8"))
        for change in ({"map": 2}, {"files": {}}, {"rows": []}, {"frob": 1},
                       {"rows": [{"from": "invoices", "events": [{"type": "OrderPlaced"}]}]}):
            with self.subTest(change):
                self.assertFalse(self.validator.is_valid({**copy.deepcopy(good), **change}))


if __name__ == "__main__":
    unittest.main(verbosity=2)
