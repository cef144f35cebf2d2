#!/bin/sh
# Two control planes of one cluster. They share the CAs and the service account keys; all else
# belongs to a node. The second one's facts come from a JoinConfiguration.
set -eu
k8s=${1:-./k8s}
here=$(dirname "$0")
mkdir -p "$k8s"

# A file for each node: its own part, then what holds for the cluster.
{ cat "$here/cp1.yaml"; echo ---; cat "$here/cluster.yaml"; } > "$k8s/cp1.yaml"
{ cat "$here/cp2.yaml"; echo ---; cat "$here/cluster.yaml"; } > "$k8s/cp2.yaml"

certs all --config "$k8s/cp1.yaml" --kubernetes-dir "$k8s/cp1"

# To the second machine over a channel that nobody else reads; here it is a folder.
umask 077
mkdir -p "$k8s/cp2/pki/etcd"
for shared in ca.crt ca.key etcd/ca.crt etcd/ca.key \
    front-proxy-ca.crt front-proxy-ca.key sa.key sa.pub; do
    cp -p "$k8s/cp1/pki/$shared" "$k8s/cp2/pki/$shared"
done

# What was copied is kept, the rest is made for cp2.
certs all --config "$k8s/cp2.yaml" --kubernetes-dir "$k8s/cp2"
