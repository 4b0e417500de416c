"""The files of the repository as the rules see them: text, C without comments, functions."""
import dataclasses
import functools
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRODUCT = ("runtime", "schemas", "producers", "consumers", "deploy")

COMMENT_OR_TEXT = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
FUNCTION = re.compile(
    r"^([A-Za-z_][^;{}=#]*?\b([A-Za-z_]\w*)\s*\(([^;{}]*)\))[ \t]*\n\{\n(.*?)^\}",
    re.MULTILINE | re.DOTALL)


def blank(text):
    """Spaces in its place, so that lines and columns stay."""
    return re.sub(r"[^\n]", " ", text)


def without_comments(text, keep_texts):
    def replace(match):
        found = match.group()
        if found.startswith("/"):
            return blank(found)
        return found if keep_texts else found[0] + blank(found[1:-1]) + found[-1]
    return COMMENT_OR_TEXT.sub(replace, text)


@dataclasses.dataclass
class Function:
    name: str
    line: int       # of its name's line, from 1
    lines: int      # from the head to the closing brace
    parameters: int
    nesting: int    # blocks in blocks; braces that initialise count as blocks
    body: str       # without comments and texts


def count_parameters(text):
    depth = commas = 0
    if text.strip() in ("", "void"):
        return 0
    for char in text:
        depth += (char == "(") - (char == ")")
        commas += char == "," and depth == 0
    return commas + 1


def nesting_of(body):
    """By indentation, which clang-format keeps exact; continued lines do not count."""
    deepest = 0
    for line in re.findall(r"^ *(?:if|for|while|switch|do)\b", body, re.MULTILINE):
        indent = len(line) - len(line.lstrip())
        deepest = max(deepest, indent // 4)
    return deepest


class CFile:
    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.code = without_comments(text, keep_texts=True)   # texts stay
        self.bare = without_comments(text, keep_texts=False)  # texts are blank too

    @functools.cached_property
    def includes(self):
        """(line, name, is_own) in order."""
        found = re.finditer(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', self.code,
                            re.MULTILINE)
        return [(line_at(self.code, m.start(1)), m[2], m[1] == '"') for m in found]

    @functools.cached_property
    def functions(self):
        result = []
        for m in FUNCTION.finditer(self.bare):
            begin = line_at(self.bare, m.start())
            end = line_at(self.bare, m.end())
            result.append(Function(m[2], begin, end - begin + 1, count_parameters(m[3]),
                                   nesting_of(m[4]), m[4]))
        return result


def line_at(text, position):
    return text.count("\n", 0, position) + 1


class Tree:
    """Path to text of every file that git knows or would take; .spoiled() gives a copy with
    some files replaced."""

    def __init__(self, texts):
        self.texts = texts
        self.c_files = {}

    @classmethod
    def of_repository(cls, root=ROOT):
        listed = subprocess.run(
            ["git", "-C", root, "ls-files", "-z", "--cached", "--others",
             "--exclude-standard"], check=True, capture_output=True, text=True).stdout
        texts = {}
        for name in sorted(filter(None, listed.split("\0"))):
            path = root / name
            if path.is_file():
                try:
                    texts[name] = path.read_text()
                except UnicodeDecodeError:
                    texts[name] = None  # bytes: a seed, a picture
        return cls(texts)

    def spoiled(self, changes):
        """`changes`: path to text, or to a function from text to text."""
        copy = Tree({**self.texts})
        copy.c_files = {path: file for path, file in self.c_files.items()
                        if path not in changes}
        for path, change in changes.items():
            before = self.texts.get(path)
            after = change(before) if callable(change) else change
            if after == before:
                raise ValueError(f"{path}: the change changes nothing")
            copy.texts[path] = after
        return copy

    def matching(self, pattern):
        return [path for path, text in self.texts.items()
                if text is not None and re.fullmatch(pattern, path)]

    def c(self, path):
        if path not in self.c_files:
            self.c_files[path] = CFile(path, self.texts[path])
        return self.c_files[path]

    def c_in(self, *folders, headers=True):
        ending = "[ch]" if headers else "c"
        folders = folders or PRODUCT
        return [self.c(path) for path in
                self.matching(rf"(?:{'|'.join(folders)})/.*\.{ending}")]
