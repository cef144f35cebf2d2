#!/bin/sh
# The tree of a first control plane, from the file that `kubeadm init --config` takes.
set -eu
k8s=${1:-./k8s}
here=$(dirname "$0")

# What would be made; nothing is written.
certs all --config "$here/kubeadm.yaml" --kubernetes-dir "$k8s" --dry-run

# Without --kubernetes-dir it goes to /etc/kubernetes, where kubeadm looks for it.
certs all --config "$here/kubeadm.yaml" --kubernetes-dir "$k8s"

# The same again changes nothing: it can stand in a script that runs at every boot.
certs all --config "$here/kubeadm.yaml" --kubernetes-dir "$k8s" --quiet
