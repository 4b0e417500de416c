"""What every job does: let its contestants run in turn, A B A B, and say what the medians are and
what the ratio of each round is.
"""

from statistics import median

from measuring import Failed


class Job:
    name = None
    about = None

    def run(self, bench, sizes):
        """A dict with runs, medians and ratios."""
        raise NotImplementedError


def medians(runs):
    return {name: median(run[name] for run in runs) for name in runs[0] if name != "contents"}


def same_contents(results):
    """Every contestant must have left the same rows, or one of them did not do the job."""
    found = {run["contents"] for runs in results.values() for run in runs if "contents" in run}
    if len(found) > 1:
        raise Failed(f"the contestants left different rows: {sorted(found)}")


def ratios(results, over, under, figure):
    """One per round: both ran under the same load of the machine."""
    return [round(a[figure] / b[figure], 3) for a, b in zip(results[over], results[under])]


def in_turn(bench, names, rounds, run):
    """run(name) gives the figures of one run."""
    results = {name: [] for name in names}
    for n in range(rounds):
        for name in names:
            bench.say(f"round {n + 1}: {name}")
            results[name].append(run(name))
    return results


def report_of(results, figure=None):
    """Runs and medians; the ratio of the first contestant's figure to the second's."""
    report = {"runs": results, "median": {name: medians(runs) for name, runs in results.items()}}
    if figure and len(results) > 1:
        each = ratios(results, *list(results)[:2], figure)
        report |= {"ratios": each, "ratio": median(each)}
    return report


def latencies(job, said):
    """What bench_traffic pace said, in ms; it must have seen every event it sent."""
    figures = {}
    for what in ("stored", "published"):
        if what not in said:
            continue
        if said[what]["count"] != said["sent"]:
            raise Failed(f"{job}: of {said['sent']} events only {said[what]['count']} were {what}")
        figures |= {f"{what}_{p}_ms": round(said[what][f"{p}_us"] / 1000, 1)
                    for p in ("p50", "p99")}
    return figures
