# SPDX-License-Identifier: Apache-2.0
"""Holds gatehouse to Kubernetes' own code over random policies and requests, for as long as it is told.

In: the oracle programs of cmd/ and a gatehouse. Each round an oracle makes cases of a new seed with their verdicts, and
`gatehouse conformance` judges them. Out: a line of totals a round; at the first difference its smallest form as a file,
and exit code 1.
"""

import argparse
import copy
import json
import os
import re
import subprocess
import sys
import time

# Random cases of a round, by kind. Curated cases come on top and are not counted.
ROUND = {
    "rbac": 300_000,
    "requestinfo": 30_000,
    "headerrequest": 2_000,
    "impersonation": 2_000,
    "nodeauthz": 10_000,
    "noderestriction": 2_000,
    "tokens": 500,
    "x509": 300,
}
FILE_MAX = 100_000  # cases of one file


class Run:
    def __init__(self, args):
        self.args = args
        self.folder = os.path.abspath(args.folder)
        self.judged = dict.fromkeys(args.kinds, 0)
        self.begin = time.monotonic()
        self.tests = 0  # runs made to find a smaller form

    def oracle(self, kind, *flags):
        """In its own folder: some keep the keys they make there."""
        program = os.path.join(self.args.oracles, kind)
        subprocess.run([program, *flags], cwd=self.folder, check=True, stderr=subprocess.DEVNULL)

    def conformance(self, kind, file):
        """What gatehouse says, and whether it agrees. A crash is a difference."""
        said = subprocess.run([self.args.gatehouse, "conformance", kind, file], capture_output=True, text=True, errors="replace")
        if said.returncode == 2:
            sys.exit(f"differential: gatehouse cannot judge {kind}: {(said.stdout + said.stderr)[-2000:]}")
        return said.stdout + said.stderr, said.returncode == 0

    def file(self, name):
        return os.path.join(self.folder, name)

    def round(self, seed):
        for kind in self.args.kinds:
            left = ROUND[kind]
            while left > 0:
                n = min(left, FILE_MAX)
                file = self.file(f"{kind}-{seed}-{left}.json")
                # Every file of a round has a seed of its own.
                self.oracle(kind, "-seed", str(seed * 16 + left // FILE_MAX), "-n", str(n), "-out", file)
                said, agrees = self.conformance(kind, file)
                if not agrees:
                    self.stop_at(kind, file, said)
                for made in (file, file.replace(".json", "-keys.json")):
                    if os.path.exists(made):
                        os.remove(made)
                self.judged[kind] += n
                left -= n

    def totals(self):
        took = time.monotonic() - self.begin
        return f"{took / 60:.1f} min: " + ", ".join(f"{n:,} {kind}" for kind, n in self.judged.items())

    def stop_at(self, kind, file, said):
        print(said[:4000])
        first = re.search(r"^(\S+):$", said, re.M)
        smallest = Smaller(self, kind, file, first.group(1) if first else None).make()
        print(f"{self.totals()}\nDIFFERENCE in {kind}: all of it in {file}, the smallest form in {smallest}")
        print(f"to see it again: gatehouse conformance {kind} {smallest}")
        sys.exit(1)


class Smaller:
    """The smallest file that still differs: one case and what of the policy it needs."""

    def __init__(self, run, kind, file, case_id):
        self.run, self.kind, self.case_id = run, kind, case_id
        with open(file, encoding="utf-8") as text:
            self.all = json.load(text)
        self.out = run.file(f"difference-{kind}.json")

    def make(self):
        small = self.alone()
        self.write(small)
        if self.kind == "rbac":
            self.shrink_policy(small)
        if self.kind == "requestinfo":
            self.shrink_target(small)
        return self.out

    def alone(self):
        """Without what has nothing to do with the case, as far as that is known without asking the oracle."""
        small = dict(self.all)
        if "cases" in small and self.case_id:
            mine = [case for case in small["cases"] if case["id"] == self.case_id]
            session = mine[0].get("session") if mine else None
            small["cases"] = [case for case in small["cases"] if session and case.get("session") == session] or mine
        if "policies" in small and small.get("cases"):
            needed = {case.get("policy") for case in small["cases"]}
            small["policies"] = [policy for policy in small["policies"] if policy["id"] in needed]
        if "scenarios" in small and self.case_id:
            small["scenarios"] = [one for one in small["scenarios"] if any(step.get("id") == self.case_id for step in one["steps"])]
        return small

    def write(self, small):
        with open(self.out, "w", encoding="utf-8") as out:
            json.dump(small, out, ensure_ascii=False, indent=1)

    def differs(self, small):
        """The oracle decides again, since less policy may be another verdict."""
        self.run.tests += 1
        asked, answered = self.run.file("asked.json"), self.run.file("answered.json")
        with open(asked, "w", encoding="utf-8") as out:
            json.dump(small, out)
        self.run.oracle(self.kind, "-judge", asked, "-out", answered)
        if self.run.conformance(self.kind, answered)[1]:
            return False
        os.replace(answered, self.out)
        return True

    def shrink_list(self, small, items):
        """Takes out halves, quarters, … single items while the difference stays."""
        size = max(len(items) // 2, 1)
        while items:
            at = 0
            while at < len(items):
                taken = items[at : at + size]
                del items[at : at + size]
                if self.differs(small):
                    continue
                items[at:at] = taken
                at += size
            if size == 1:
                return
            size = max(size // 2, 1)

    def shrink_policy(self, small):
        if not small.get("cases") or not self.differs(small):
            return  # nothing the oracle sees again: the file stays as it is
        policy = small["policies"][0]
        lists = [policy[name]["items"] for name in ("roleBindings", "clusterRoleBindings", "roles", "clusterRoles") if policy.get(name, {}).get("items")]
        for items in lists:
            self.shrink_list(small, items)
        for items in lists:
            for one in items:
                for part in ("subjects", "rules"):
                    self.shrink_list(small, one.get(part) or [])
                for rule in one.get("rules") or []:
                    for words in rule.values():
                        self.shrink_list(small, words)
        self.shrink_list(small, small["cases"][0]["groups"])

    def shrink_target(self, small):
        if not small.get("cases") or not self.differs(small):
            return
        case = small["cases"][0]
        if "target" in (case.get("b64") or {}):
            return  # bytes that JSON cannot show
        characters = list(case["target"])
        probe = {**small, "cases": [copy.deepcopy(case)]}
        at = 0
        while at < len(characters):
            shorter = characters[:at] + characters[at + 1 :]
            probe["cases"][0]["target"] = "".join(shorter)
            if self.differs(probe):
                characters = shorter
            else:
                at += 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--oracles", required=True)
    parser.add_argument("--gatehouse", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--kinds", default=",".join(ROUND))
    args = parser.parse_args()
    args.kinds = args.kinds.split(",")
    for kind in args.kinds:
        if kind not in ROUND:
            parser.error(f"there is no kind {kind}; there are {', '.join(ROUND)}")
    os.makedirs(args.folder, exist_ok=True)
    seed = args.seed if args.seed is not None else int(time.time())
    print(f"first seed {seed}" + (f", for {args.minutes:g} minutes" if args.minutes else ", one round"), flush=True)
    run = Run(args)
    try:
        while True:
            run.round(seed)
            print(run.totals(), flush=True)
            seed += 1
            if not args.minutes or time.monotonic() - run.begin >= args.minutes * 60:
                break
    except KeyboardInterrupt:
        print(run.totals())
    print("no difference")


if __name__ == "__main__":
    main()
