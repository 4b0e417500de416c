"""What the medians of a whole run must keep to, from docs/measurements.md; --quick is too short to
say anything about them.
"""

NOT_OURS = ("bare", "replay")  # contestants that the consumers are measured beside
MOST_MB = {"peak_mb": 256, "idle_mb": 24}
LEAST_RATIO = {"last-wins-clustered": 0.7, "last-wins-even": 0.7, "last-wins-two-members": 0.7,
               "hot-account": 0.333}
MOST_MEMORY_RATIO = {"hot-account": 1.1}


def memory_beyond(name, job):
    for who, figures in job["median"].items():
        for figure, value in figures.items():
            most = next((mb for kind, mb in MOST_MB.items() if figure.endswith(kind)), None)
            if who not in NOT_OURS and most is not None and value > most:
                yield f"{name}, {who}: {figure} is {value:,}, the limit is {most}"


def beyond(report):
    """One sentence for each figure that does not keep to its limit."""
    found = []
    for name, job in report["jobs"].items():
        if name in LEAST_RATIO and job["ratio"] < LEAST_RATIO[name]:
            found.append(f"{name}: ratio is {job['ratio']}, the limit is {LEAST_RATIO[name]}")
        if name in MOST_MEMORY_RATIO and job["memory_ratio"] > MOST_MEMORY_RATIO[name]:
            found.append(f"{name}: memory_ratio is {job['memory_ratio']},"
                         f" the limit is {MOST_MEMORY_RATIO[name]}")
        found += memory_beyond(name, job)
    return found
