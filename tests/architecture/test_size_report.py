"""size_report fails at the outer mark and not before."""
import importlib.machinery
import importlib.util
import io
import pathlib
import unittest

from source import Tree

PATH = pathlib.Path(__file__).resolve().parent / "size_report"
LOADER = importlib.machinery.SourceFileLoader("size_report", str(PATH))
SIZE_REPORT = importlib.util.module_from_spec(
    importlib.util.spec_from_loader("size_report", LOADER))
LOADER.exec_module(SIZE_REPORT)
TREE = Tree.of_repository()


def function(lines=3, parameters="void", body="    x();\n"):
    return f"\nvoid spoiled({parameters})\n{{\n{body * (lines - 3)}}}\n"


def nested(depth):
    heads = "".join(" " * 4 * (i + 1) + "if (x) {\n" for i in range(depth))
    ends = "".join(" " * 4 * (i + 1) + "}\n" for i in reversed(range(depth)))
    return f"\nvoid spoiled(void)\n{{\n{heads}{ends}}}\n"


class Report(unittest.TestCase):
    def report(self, text):
        out = io.StringIO()
        good = SIZE_REPORT.report(TREE.spoiled({"runtime/base/buf.c": lambda t: t + text}), out)
        return good, out.getvalue()

    def test_the_tree_is_within_the_outer_marks(self):
        out = io.StringIO()
        self.assertTrue(SIZE_REPORT.report(TREE, out), out.getvalue())

    def test_exceptions_are_needed(self):
        beyond = {(what, where) for what, where, size in SIZE_REPORT.measure(TREE)
                  if size > SIZE_REPORT.MARKS[what][1]}
        self.assertEqual(set(SIZE_REPORT.GIVEN) - beyond, set())

    def test_the_outer_mark_fails(self):
        for inside, outside in (
                (function(lines=120), function(lines=121)),
                (function(parameters=", ".join(["int a"] * 7)),
                 function(parameters=", ".join(["int a"] * 8))),
                (nested(5), nested(6)),
                ("\n" * 900, "\n" * 1200)):
            with self.subTest(outside=outside[:60]):
                good, text = self.report(inside)
                self.assertTrue(good, text)
                self.assertIn("look", text)
                good, text = self.report(outside)
                self.assertFalse(good)
                self.assertIn("BEYOND", text)


if __name__ == "__main__":
    unittest.main()
