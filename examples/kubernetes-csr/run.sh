#!/bin/sh
# A cluster signs the certificates of its kubelets itself: on a new node the keys are made and asked for, and the requests
# become manifests for kubectl. Keys stay on the node.
set -eu
k8s=${1:-./k8s}
here=$(dirname "$0")
mkdir -p "$k8s"

# The address is that of an API server, where kubelet.conf leads.
certs csr kubelet kubelet-serving --kubernetes-dir "$k8s" --kubelet-dir "$k8s/kubelet" --csr-dir "$k8s/requests" \
    --node-name worker1 --node-ip 10.0.1.1 --apiserver-advertise-address 10.0.0.10

for request in kubelet kubelet-serving; do
    "$here/manifest" "$k8s/requests/$request.csr" "$k8s/$request.yaml"
done

# Once they are approved, and what was fetched and the cluster's ca.crt lie beside the requests, as said above:
#   certs import "$k8s/requests" --kubernetes-dir "$k8s" --kubelet-dir "$k8s/kubelet"
