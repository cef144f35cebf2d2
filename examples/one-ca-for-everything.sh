#!/bin/sh
# One CA in the three places. Fewer files to explain and to copy, and less safe: whoever holds a
# client certificate of the cluster is then let into etcd too, and may speak as the front proxy
# unless the API server is given --requestheader-allowed-names=front-proxy-client.
set -eu
k8s=${1:-./k8s}

certs ca ca --kubernetes-dir "$k8s" --key-algorithm ECDSA-P256

mkdir -p "$k8s/pki/etcd"
for place in etcd/ca front-proxy-ca; do
    cp -p "$k8s/pki/ca.crt" "$k8s/pki/$place.crt"
    cp -p "$k8s/pki/ca.key" "$k8s/pki/$place.key"
done

certs all --kubernetes-dir "$k8s" --node-name cp1 --apiserver-advertise-address 10.0.0.10 \
    --key-algorithm ECDSA-P256
