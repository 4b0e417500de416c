"""What the object files of a build export, and who uses it."""
import dataclasses
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


def source_of(path):
    """runtime/base/CMakeFiles/o2c_base.dir/arena.c.o is runtime/base/arena.c"""
    return re.sub(r"CMakeFiles/[^/]+\.dir/", "", path).removesuffix(".o")


def object_files(build):
    return sorted(path for path in pathlib.Path(build).rglob("*.o")
                  if "CMakeFiles/_Cm" not in str(path) and "CompilerIdC" not in str(path))


def relocated_names(path):
    """Names that the object refers to, its own among them."""
    said = subprocess.run(["objdump", "-r", path], check=True, capture_output=True, text=True)
    return set(re.findall(r"\sR_\S+\s+(\w+)", said.stdout))


def symbols_of(build):
    files = object_files(build)
    said = subprocess.run(["nm", "--extern-only", "--format=posix", "--print-file-name",
                           *files], check=True, capture_output=True, text=True).stdout
    defined, used = {}, {}
    for line in said.splitlines():
        match = re.match(r"(.*): (\S+) ([A-Za-z])", line)
        path, name, kind = match.groups()
        file = source_of(str(pathlib.Path(path).relative_to(build)))
        if kind == "U":
            used.setdefault(name, set()).add(file)
        elif kind in DEFINED and file.startswith(tuple(f + "/" for f in FOLDERS)):
            defined.setdefault(name, (file, path))
    inside = {}
    for name, (file, path) in defined.items():
        if not used.get(name):
            inside.setdefault(path, relocated_names(path))
    return [Symbol(name, file, frozenset(used.get(name, ())),
                   not used.get(name) and name in inside[path])
            for name, (file, path) in sorted(defined.items())]
