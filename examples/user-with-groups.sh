#!/bin/sh
# A person: the common name is the user that Kubernetes sees, each organization is a group. What
# they may do is said by role bindings in the cluster. A certificate cannot be taken back, so it
# is short-lived here.
set -eu
k8s=${1:-./k8s}

certs ca ca --kubernetes-dir "$k8s" --key-algorithm ECDSA-P256

# A pair, pki/alice.crt and pki/alice.key ...
certs client alice --kubernetes-dir "$k8s" --key-algorithm ECDSA-P256 --validity 30d \
    --common-name alice@example.com --organization dev --organization ops

# ... and a kubeconfig, alice.conf, with a pair of its own.
certs kubeconfig alice --kubernetes-dir "$k8s" --key-algorithm ECDSA-P256 --validity 30d \
    --common-name alice@example.com --organization dev --organization ops \
    --control-plane-endpoint api.example.com:6443
