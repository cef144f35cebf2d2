#!/bin/sh
# The API server gets another name: its certificate is made anew, and no other file changes.
set -eu
k8s=${1:-./k8s}
facts="--kubernetes-dir $k8s --node-name cp1 --apiserver-advertise-address 10.0.0.10"
facts="$facts --key-algorithm ECDSA-P256"

# shellcheck disable=SC2086 # words, none of which has a blank
certs all $facts

# Without --force a certificate that lacks a name is refused, with exit code 4.
status=0
# shellcheck disable=SC2086
certs server apiserver $facts --apiserver-cert-extra-sans api.example.com || status=$?
[ "$status" -eq 4 ]

# With it: a new key and a new certificate. The old pair goes to .certs-backup.
# shellcheck disable=SC2086
certs server apiserver $facts --apiserver-cert-extra-sans api.example.com --force
