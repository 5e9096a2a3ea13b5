#!/usr/bin/env python3
"""Makes the table of docs/sizing.md: runs each benchmark on this machine and prints the figures as
Markdown, next to what must hold. Takes some ten minutes with a release build; nothing else should
run meanwhile. `sizing.py [BUILD [SECONDS [ROUNDS]]]`; with KEEP=FOLDER in the environment the JSON
of each run is kept there, and runs whose JSON is there already are not made again."""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build", "release")
SECONDS = sys.argv[2] if len(sys.argv) > 2 else "5"
ROUNDS = sys.argv[3] if len(sys.argv) > 3 else "5"
VEDOMO = os.path.join(BUILD, "src", "vedomo")
TURNS = ["--seconds", SECONDS, "--rounds", ROUNDS]

RUNS = {
    "full": [VEDOMO, "bench", "exchange", "--json", "--layers", *TURNS],
    "one": [VEDOMO, "bench", "exchange", "--json", "--askers", "1", "--window", "1", "--holders",
            "1", *TURNS],
    "nodes": [VEDOMO, "bench", "exchange", "--json", "--askers", "996", "--window", "1",
              "--seconds", SECONDS, "--rounds", "2"],
    # Both ask about the same number of persons; the second has the others' consents besides.
    "against": [VEDOMO, "bench", "exchange", "--json", "--subjects", "10000", "--consents",
                "10000", "--against", "consents=1000000,agreements=10000", *TURNS],
    "withdraw": [VEDOMO, "bench", "withdraw", "--json"],
    "log": [VEDOMO, "bench", "log", "--quick", "--json"],
    "peers": [os.path.join(HERE, "peers", "run"), "--json", "--build", BUILD, *TURNS],
}


def figures_of(name):
    kept = os.path.join(os.environ["KEEP"], name + ".json") if "KEEP" in os.environ else None
    if kept is not None and os.path.exists(kept):
        with open(kept) as file:
            return json.load(file)
    done = subprocess.run(RUNS[name], capture_output=True, text=True)
    if name == "peers" and done.returncode == 3:
        print("(%s)" % done.stderr.strip(), file=sys.stderr)
        return None
    if done.returncode != 0:
        sys.exit("%s failed:\n%s%s" % (" ".join(RUNS[name]), done.stdout, done.stderr))
    if kept is not None:
        os.makedirs(os.path.dirname(kept), exist_ok=True)
        with open(kept, "w") as file:
            file.write(done.stdout)
    return json.loads(done.stdout)


def spread(figures, name, digits):
    return "%.*f (%.*f to %.*f)" % (digits, figures[name], digits, figures[name + "_least"],
                                    digits, figures[name + "_greatest"])


def milliseconds(us):
    return "%.2f ms" % (us / 1e3)


def rows(runs):
    full, one, nodes, against = (runs[name] for name in ("full", "one", "nodes", "against"))
    withdraw, log, peers = runs["withdraw"], runs["log"], runs["peers"]
    yield "exchanges a second, full path", spread(full, "full_path_per_s", 0), ""
    yield "the bare proxy", spread(full, "proxy_per_s", 0), ""
    yield "full path / proxy", spread(full, "ratio", 2), ">= 0.30, target 0.50"
    yield "broker's CPU an exchange", "%.0f us" % full["broker_cpu_us_per_exchange"], ""
    yield "broker's CPU / proxy's", spread(full, "broker_cpu_ratio", 2), "<= 3.0, target 2.0"
    threads = full["broker_cpu_us_by_thread"]
    yield ("of it by thread, us", ", ".join("%s %.1f" % (name, us) for name, us in threads.items()
                                            if us >= 0.05), "")
    yield "latency p50, p99 under that load", "%s, %s" % (
        milliseconds(full["full_path_p50_us"]), milliseconds(full["full_path_p99_us"])), ""
    yield "entries a commit, one commit", "%.0f, %s" % (
        full["entries_per_commit"], milliseconds(full["commit_us"])), ""
    yield "one request at a time, p50: added to the proxy's", milliseconds(one["added_p50_us"]), ""
    yield ("of it beyond two commits", milliseconds(one["added_beyond_commits_p50_us"]),
           "<= 0.6 ms, target 0.3 ms")
    memory = nodes["broker_rss_anon_kb_at"]
    yield ("memory with 1,000 nodes: idle, at most, afterwards", "%.0f, %.0f, %.0f MB" % (
        memory["idle"] / 1024, nodes["broker_rss_anon_kb"] / 1024, memory["after"] / 1024),
           "<= 200 MB")
    yield ("%d consents and %d agreements against %d and none: CPU, rate" % (
        against["against"]["consents"], against["against"]["agreements"], against["consents"]),
           "%s, %s" % (spread(against, "against_cpu_ratio", 2),
                       spread(against, "against_rate_ratio", 2)), "within 10 %")
    for name, words in (("acknowledged", "withdrawal -> acknowledged"),
                        ("refused", "withdrawal -> first refusal read"),
                        ("refused_later", "acknowledged -> first refusal read")):
        times = withdraw[name]
        yield words + ", p50, p99", "%s, %s (%.1f commits)" % (
            milliseconds(times["p50_us"]), milliseconds(times["p99_us"]),
            times["p99_commits"]), "p99 <= 10 ms, target two commits" if name == "refused" else ""
    yield "bytes an entry: log, views", "%.0f, %.0f" % (log["log_bytes_per_entry"],
                                                       log["views_bytes_per_entry"]), ""
    if peers is not None:
        yield ("full path / NATS and PostgreSQL, a transaction a row", spread(peers, "ratio_row", 2),
               ">= 3, target 5")
        yield ("full path / NATS and PostgreSQL, many rows a transaction",
               spread(peers, "ratio_batch", 2), "")


def main():
    runs = {name: figures_of(name) for name in RUNS}
    full = runs["full"]
    print("%s, %d cores; %d askers, window %d, %d holders, %d fields of %d bytes; %d rounds of %d s"
          % tuple(full[name] for name in ("machine", "cores", "askers", "window", "holders",
                                          "fields", "value_bytes", "rounds", "seconds")))
    print("\n| | measured | must hold |\n|---|---|---|")
    for words, value, wanted in rows(runs):
        print("| %s | %s | %s |" % (words, value, wanted))
    print("\n| layer | CPU an exchange, us |\n|---|---|")
    for name, us in full["layers_us"].items():
        print("| %s | %.1f |" % (name, us))


if __name__ == "__main__":
    main()
