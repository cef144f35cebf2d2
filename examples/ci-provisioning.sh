#!/bin/sh
# A pipeline's step: makes the tree, or keeps the one that is there, reads the report, and fails
# when a certificate ends within thirty days. docs/output.md describes the report.
set -eu
k8s=${1:-./k8s}
mkdir -p "$k8s"

# 0: as wanted. 3: as wanted, with warnings. The others have told on standard error what is wrong.
status=0
certs all --kubernetes-dir "$k8s" --node-name cp1 --apiserver-advertise-address 10.0.0.10 \
    --key-algorithm ECDSA-P256 --output json > "$k8s/report.json" || status=$?
case $status in
0 | 3) ;;
*) exit "$status" ;;
esac

python3 - "$k8s/report.json" <<'EOF'
import datetime, json, sys

report = json.load(open(sys.argv[1]))
assert report["schemaVersion"] == 1, "a newer certs than this script was written for"
print("result:", report["result"])
for finding in report["findings"]:
    if finding["severity"] != "note":
        print(f"{finding['severity']}: {finding['file']} {finding['text']}")
soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=30)
ends = {item["name"]: item["notAfter"] for item in report["items"] if "notAfter" in item}
late = [name for name, end in ends.items() if datetime.datetime.fromisoformat(end.replace("Z", "+00:00")) < soon]
print(f"{len(ends)} certificates, the first ends on {min(ends.values())[:10]}")
sys.exit(f"end within thirty days: {', '.join(late)}" if late else 0)
EOF
