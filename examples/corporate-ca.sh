#!/bin/sh
# A cluster CA under a company's naming rules. The parts stand in the order in which they are
# encoded, as in `openssl req -subj`; the leaves name this CA byte for byte.
set -eu
k8s=${1:-./k8s}

# Only a CA that is not there yet is made: then `certs all` finds it and signs with it.
certs ca ca --kubernetes-dir "$k8s" --key-algorithm ECDSA-P384 --ca-validity 7300d \
    --subject '/C=CN/ST=Guangdong/L=Shenzhen/O=Example/OU=Platform/OU=PKI/CN=kubernetes'

certs all --kubernetes-dir "$k8s" --node-name cp1 --apiserver-advertise-address 10.0.0.10 \
    --key-algorithm ECDSA-P256
