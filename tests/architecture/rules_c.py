"""What C of this project looks like, as far as the compilers do not see to it."""
import re

from rule import rule
from source import line_at

HEADER_AREAS = ("runtime", "consumers", "producers", "deploy")  # left out of guards


@rule
def a_header_has_the_guard_of_its_place(tree):
    for file in tree.c_in():
        if not file.path.endswith(".h"):
            continue
        parts = file.path[:-2].split("/")
        wanted = "_".join(["O2C", *parts[parts[0] in HEADER_AREAS:], "H"]).upper()
        guard = re.match(r"\s*#ifndef (\w+)\n#define (\w+)\n", file.code)
        if not guard or guard.groups() != (wanted, wanted):
            yield file.path, 1, f"its guard must be {wanted}"


@rule
def a_header_opens_with_what_it_is(tree):
    for file in tree.c_in():
        name = file.path.rsplit("/", 1)[1]
        if name.endswith(".h") and not re.match(rf"/\*[\s*]*{re.escape(name)} - \w", file.text):
            yield file.path, 1, f"must open with a comment: {name} - what this is"


def found(file, pattern, says, code=None):
    code = file.bare if code is None else code
    for match in re.finditer(pattern, code, re.MULTILINE):
        yield file.path, line_at(code, match.start()), says.format(match.group().strip())


@rule
def no_floating_point_in_the_domain(tree):
    for file in tree.c_in("consumers", "schemas"):
        yield from found(file, r"\b(float|double|_Float\w+)\b|\bstrto(f|d|ld)\b|\bmath\.h\b"
                               r"|\bjson_(real|number)\w*", "{}: floating point", file.bare)
        yield from found(file, r"\b\d+\.\d*([eE][+-]?\d+)?|\b\d+[eE][+-]?\d+\b",
                         "{}: floating point")
        yield from found(file, r"\blrint\w*|\b(round|floor|ceil)f?\(", "{}: floating point")


@rule
def only_the_clock_reads_a_clock(tree):
    for file in tree.c_in():
        if file.path != "runtime/base/clock.c":
            yield from found(file, r"\b(clock_gettime|gettimeofday|time|uv_now|uv_hrtime"
                                   r"|uv_clock_gettime|rd_kafka_\w*clock\w*)\(",
                             "{}...): only runtime/base/clock reads a clock")


def enumerators(tree):
    """Of every named enum; the generated ones all begin with O2C_."""
    names = set()
    for file in tree.c_in():
        for body in re.findall(r"\benum \w+ \{([^}]*)\}", file.bare):
            names.update(re.findall(r"^\s*(\w+)", body, re.MULTILINE))
            names.update(re.findall(r",\s*(\w+)", body))
    return names


@rule
def a_switch_over_our_enums_has_no_default(tree):
    names = enumerators(tree)
    for file in tree.c_in():
        for match in re.finditer(r"^([ \t]*)switch \(.*?\) \{\n(.*?)^\1\}", file.bare,
                                 re.MULTILINE | re.DOTALL):
            indent, body = match[1], match[2]
            own = re.findall(rf"^{indent}(case (\w+)|default)\b", body, re.MULTILINE)
            labels = {label for _, label in own if label}
            ours = {label for label in labels if label in names or label.startswith("O2C_")}
            if ours and any(word == "default" for word, _ in own):
                yield (file.path, line_at(file.bare, match.start()),
                       f"a switch over {min(ours)} and others has a default")


@rule
def structs_and_enums_have_no_typedef(tree):
    for file in tree.c_in():
        yield from found(file, r"\btypedef\s+(const\s+)?(struct|union)\b",
                         "{}: structs are named struct o2c_x")
        yield from found(file, r"\btypedef\s+enum\s+\w*\s*\{", "{}: enums have no typedef")
        yield from found(file, r"\btypedef\b[^;{}()]*\b\w+_t;|\b(struct|union|enum) \w+_t\b",
                         "{}: names in _t belong to POSIX")


@rule
def goto_goes_forward(tree):
    for file in tree.c_in():
        for function in file.functions:
            for match in re.finditer(r"\bgoto (\w+);", function.body):
                label = re.search(rf"^\s*{match[1]}:", function.body, re.MULTILINE)
                if label and label.start() < match.start():
                    yield (file.path, function.line +
                           function.body.count("\n", 0, match.start()) + 1,
                           f"goto {match[1]} goes back")


@rule
def libraries_leave_logging_to_those_who_decide(tree):
    """The service may: it ends the process itself."""
    for file in tree.c_in("runtime", "schemas", "producers/publish", "producers/simulator"):
        if file.path not in ("runtime/base/log.h", "runtime/base/log.c") and \
                not file.path.startswith("runtime/service/"):
            yield from found(file, r"\bo2c_log_(error|warn|info)\(",
                             "{}...): a library says it in its error")


@rule
def a_verdict_of_a_header_must_be_looked_at(tree):
    """Those that fill an error and hand its verdict back may be called for the error alone."""
    for file in tree.c_in():
        if not file.path.endswith(".h"):
            continue
        for match in re.finditer(r"^enum o2c_verdict\s+(\w+)\(([^;{}]*)\)([^;{}()]*);",
                                 file.bare, re.MULTILINE):
            if not match[1].split("_")[-1] == "fail" and "_fail_" not in match[1] and \
                    "O2C_MUST_CHECK" not in match[3]:
                yield (file.path, line_at(file.bare, match.start()),
                       f"{match[1]} has no O2C_MUST_CHECK")


@rule
def inline_is_for_three_or_four_lines(tree):
    for file in tree.c_in():
        if file.path.endswith(".h"):
            for function in file.functions:
                if function.body.count("\n") > 4:
                    yield (file.path, function.line,
                           f"{function.name}: more than that belongs into a .c file")


@rule
def what_other_folders_see_carries_the_prefix(tree):
    """Macros and types of headers; test_objects.py has what the compilers export."""
    seen = {name for file in tree.c_in() for _, name, own in file.includes
            if own and name.rsplit("/", 1)[0] != file.path.rsplit("/", 1)[0]}
    for file in tree.c_in("runtime", "schemas", "consumers/host", "producers/publish"):
        if file.path in seen:
            yield from found(file, r"^#define (?!O2C_|o2c_)\w+", "{}: has no prefix")
            yield from found(file, r"^(struct|enum) (?!o2c_)\w+(?= \{)", "{}: has no prefix")
