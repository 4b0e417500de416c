"""A rule is a function from a tree to its faults, named by what holds where it is kept."""
import dataclasses

RULES = {}


@dataclasses.dataclass(frozen=True, order=True)
class Fault:
    path: str
    line: int
    says: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.says}"


def rule(function):
    """Of a generator of (path, line, sentence)."""
    def faults(tree):
        return sorted({Fault(*found) for found in function(tree)})
    RULES[function.__name__] = faults
    return faults
