"""Who may include whom."""
import re

from rule import rule

# Of each folder: what its files may include. The first that matches counts.
MAY_INCLUDE = (
    (r"runtime/", r"runtime/"),
    (r"schemas/", r"schemas/|runtime/base/"),
    (r"producers/publish/", r"producers/publish/|schemas/|runtime/"),
    (r"producers/simulator/", r"producers/simulator/|schemas/|runtime/"),
    (r"producers/cli/", r"producers/(cli|clock|publish|simulator)/|schemas/|runtime/|deploy/migrations/"),
    (r"producers/(?P<own>\w+)/", r"producers/({own}|publish)/|schemas/|runtime/"),
    (r"consumers/host/", r"consumers/host/|schemas/|runtime/"),
    (r"consumers/(?P<own>\w+)/", r"consumers/({own}|host)/|schemas/|runtime/"),
    (r"deploy/", r"deploy/"),
)
SHELL_LIBRARIES = r"uv\.h|uv/.*|libpq-fe\.h|libpq/.*|librdkafka/.*"
IS_RULES_FILE = r"consumers/(?!host/)\w+/(?!main\.c$).*"


def included_by(path):
    for pattern, allowed in MAY_INCLUDE:
        match = re.match(pattern, path)
        if match:
            return allowed.format(**match.groupdict())
    return None


@rule
def includes_stay_where_they_may(tree):
    for file in tree.c_in():
        allowed = included_by(file.path)
        if allowed is None:
            yield file.path, 1, "no include rule for this folder"
            continue
        for line, name, own in file.includes:
            if own and not re.match(allowed, name):
                yield file.path, line, f"must not include {name}"


@rule
def own_headers_are_named_from_the_root(tree):
    made = r".*/embedded\.h|schemas/event_types\.h"
    for file in tree.c_in():
        for line, name, own in file.includes:
            if own and name not in tree.texts and not re.fullmatch(made, name):
                yield file.path, line, f"{name} is no file of the tree"


def library_behind(tree, path, seen):
    """The first library of the shell that a header brings along, and through which."""
    for _, name, own in tree.c(path).includes:
        if re.fullmatch(SHELL_LIBRARIES, name):
            return name
        if own and name in tree.texts and name not in seen:
            seen.add(name)
            found = library_behind(tree, name, seen)
            if found:
                return found
    return None


@rule
def rules_never_see_a_library_of_the_shell(tree):
    """A consumer's rules: no libuv, libpq or librdkafka, by no way."""
    for file in tree.c_in("consumers"):
        if not re.fullmatch(IS_RULES_FILE, file.path):
            continue
        for line, name, own in file.includes:
            found = name if re.fullmatch(SHELL_LIBRARIES, name) else None
            if own and name in tree.texts:
                found = library_behind(tree, name, {name})
            if found:
                yield file.path, line, f"{name} brings {found} to the rules"


@rule
def a_file_includes_its_own_header_first(tree):
    for file in tree.c_in(headers=False):
        header = file.path[:-1] + "h"
        if header in tree.texts and (not file.includes or file.includes[0][1] != header):
            yield file.path, 1, f"must include {header} first"


@rule
def banned_is_included_last(tree):
    for file in tree.c_in(headers=False):
        includes = file.includes
        if not includes or includes[-1][1] != "runtime/base/banned.h":
            yield file.path, includes[-1][0] if includes else 1, \
                "must include runtime/base/banned.h last"
    for file in tree.c_in():
        if file.path.endswith(".h"):
            for line, name, _ in file.includes:
                if name == "runtime/base/banned.h":
                    yield file.path, line, "banned.h is for .c files: it must come last"


@rule
def banned_is_complete(tree):
    """The functions that style bans, one by one."""
    file = tree.c("runtime/base/banned.h")
    poisoned = set(" ".join(re.findall(r"#pragma GCC poison (.*)", file.code)).split())
    for name in ("strcpy strcat strncpy strncat sprintf vsprintf strtok gets atoi atol atof "
                 "gmtime localtime ctime asctime alloca rd_kafka_consume_batch_queue").split():
        if name not in poisoned:
            yield file.path, 1, f"{name} is not banned"


@rule
def a_runtime_module_serves_both_sides(tree):
    modules = {path.split("/")[1] for path in tree.matching(r"runtime/\w+/.*\.h")}
    for side in ("producers", "consumers"):
        used = {name.split("/")[1] for file in tree.c_in(side)
                for _, name, own in file.includes if own and name.startswith("runtime/")}
        for module in sorted(modules - used):
            yield f"runtime/{module}", 1, f"nothing in {side} uses this module"
