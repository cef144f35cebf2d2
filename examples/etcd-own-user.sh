#!/bin/sh
# etcd that does not run as root: it reads its own pairs, and no other key. Needs root, since only
# root gives files to others. The user is `etcd`, or the one that ETCD_USER names.
set -eu
k8s=${1:-./k8s}
user=${ETCD_USER:-etcd}
facts="--kubernetes-dir $k8s --key-algorithm ECDSA-P256"
node="--node-name cp1 --apiserver-advertise-address 10.0.0.10"

if [ "$(id -u)" -ne 0 ]; then
    echo "etcd-own-user.sh: run as root: only root gives files to another user" >&2
    exit 1
fi

# The CA's key stays with root.
# shellcheck disable=SC2086 # words, none of which has a blank
certs ca etcd-ca $facts

# The two pairs of the member itself.
# shellcheck disable=SC2086
certs server etcd-server $facts $node --owner "$user"
# shellcheck disable=SC2086
certs peer $facts $node --owner "$user"

# Everything else, as root; what is there is kept, with its owner.
# shellcheck disable=SC2086
certs all $facts $node
