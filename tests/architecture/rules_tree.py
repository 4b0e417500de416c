"""Names of files, and words that stand nowhere."""
import re

from rule import rule
from source import line_at

TOP_LEVEL = {"CMakeLists.txt", "producers", "consumers", "schemas", "deploy", "tests", "docs",
             "runtime", "cmake", "README.md", "CONTRIBUTING.md", "LICENSE", "SECURITY.md"}
NO_NOUN = r"(?:.*[-_])?(?:common|utils?|misc|helpers?|core)(?:[-_.].*)?"


@rule
def the_top_level_is_what_it_is(tree):
    for path in tree.texts:
        first = path.split("/")[0]
        if first not in TOP_LEVEL and not first.startswith("."):
            yield path, 1, f"{first} does not belong to the top level"


@rule
def a_name_says_what_it_holds(tree):
    for path in tree.texts:
        for part in path.split("/"):
            if re.fullmatch(NO_NOUN, part):
                yield path, 1, f"{part}: no name says less"


@rule
def nothing_is_left_to_do(tree):
    for path in tree.matching(r"(?!tests/architecture/|LICENSE).*"):
        text = tree.texts[path]
        for match in re.finditer(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HACK)\b(?!\")", text):
            yield path, line_at(text, match.start()), f"{match[1]}: do it, or say it in docs"


@rule
def product_code_is_c(tree):
    for path in tree.matching(r"(producers|consumers|schemas|runtime)/.*"):
        if re.search(r"\.(py|pl|rb|js|ts|sh|go|rs|java|cc|cpp|hpp)$", path):
            yield path, 1, "products are C"


@rule
def text_is_clean(tree):
    for path in tree.matching(r"(?!.*seeds/|.*corpus/|.*testdata/|LICENSE).*"):
        text = tree.texts[path]
        if text and not text.endswith("\n"):
            yield path, text.count("\n") + 1, "ends without a new line"
        for match in re.finditer(r"[ \t]+$|\r", text, re.MULTILINE):
            yield path, line_at(text, match.start()), "blanks at the end of a line"
