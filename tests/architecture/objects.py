"""What the object files of a build export, and who uses it."""
import dataclasses
import json
import pathlib
import re
import subprocess

FOLDERS = ("runtime", "schemas", "producers", "consumers", "deploy")
DEFINED = "TDBRVWCG"


@dataclasses.dataclass(frozen=True)
class Symbol:
    name: str
    file: str               # the source file, from the root of the build: runtime/base/arena.c
    used_by: frozenset      # other source files that name it
    used_inside: bool       # by its own file
    also_in: str            # another file that exports it, or ""


def source_of(path):
    """runtime/base/CMakeFiles/o2c_base.dir/arena.c.o is runtime/base/arena.c"""
    return re.sub(r"CMakeFiles/[^/]+\.dir/", "", path).removesuffix(".o")


def object_files(build):
    """Those that the build makes now; files of sources that are gone may lie about."""
    build = pathlib.Path(build)
    commands = build / "compile_commands.json"
    if not commands.exists():
        return sorted(build.rglob("*.o"))
    made = (build / re.search(r" -o (\S+\.o)\b", entry["command"])[1]
            for entry in json.loads(commands.read_text()))
    return sorted(path for path in made if path.exists())


def relocated_names(path):
    """Names that the object refers to, its own among them."""
    said = subprocess.run(["objdump", "-r", path], check=True, capture_output=True, text=True)
    return set(re.findall(r"\sR_\S+\s+(\w+)", said.stdout))


def symbols_of(build):
    files = object_files(build)
    said = subprocess.run(["nm", "--extern-only", "--format=posix", "--print-file-name",
                           *files], check=True, capture_output=True, text=True).stdout
    defined, used, again = {}, {}, {}
    for line in said.splitlines():
        match = re.match(r"(.*): (\S+) ([A-Za-z])", line)
        path, name, kind = match.groups()
        file = source_of(str(pathlib.Path(path).relative_to(build)))
        if kind == "U":
            used.setdefault(name, set()).add(file)
        elif kind in DEFINED and file.startswith(tuple(f + "/" for f in FOLDERS)):
            if defined.setdefault(name, (file, path))[0] != file:
                again[name] = file
    inside = {}
    for name, (file, path) in defined.items():
        if not used.get(name):
            inside.setdefault(path, relocated_names(path))
    return [Symbol(name, file, frozenset(used.get(name, ())),
                   not used.get(name) and name in inside[path], again.get(name, ""))
            for name, (file, path) in sorted(defined.items())]
