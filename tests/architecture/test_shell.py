"""shellcheck has nothing to say about any bash file."""
import subprocess
import tempfile
import unittest

from source import ROOT, Tree


def is_bash(path, text):
    first = text.split("\n", 1)[0]
    return path.endswith(".sh") or (first.startswith("#!") and "bash" in first)


def shellcheck(*paths):
    result = subprocess.run(["shellcheck", "--external-sources", "--severity=style", *paths],
                            cwd=ROOT, capture_output=True, text=True)
    return result.stdout + result.stderr


class Shell(unittest.TestCase):
    def test_is_clean(self):
        tree = Tree.of_repository()
        files = [path for path in tree.matching(".*") if is_bash(path, tree.texts[path])]
        self.assertIn("tests/run", files)
        self.assertEqual(shellcheck(*files), "")

    def test_a_spoiled_one_is_found_out(self):
        with tempfile.NamedTemporaryFile("w", suffix=".sh") as file:
            file.write("#!/usr/bin/env bash\nrm -rf $1\n")
            file.flush()
            self.assertIn("SC2086", shellcheck(file.name))


if __name__ == "__main__":
    unittest.main()
