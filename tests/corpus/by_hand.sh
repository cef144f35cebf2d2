# A control plane made by hand, as teaching pages have it: a table of names, one loop with openssl, and kubeconfigs out of
# a template. A row of by_hand.rs sets other values first (its mistakes), and may do more once all is made (`afterwards`).
# The working directory is the tree; KEYS is a folder of RSA keys, the clock stands still.

declare -A subject san usage key_usage issuer days constraints hash server authority pool
cas=(pki/ca pki/etcd/ca pki/front-proxy-ca)
leaves=(
    pki/apiserver pki/apiserver-kubelet-client pki/apiserver-etcd-client pki/front-proxy-client
    pki/etcd/server pki/etcd/peer pki/etcd/healthcheck-client
    admin.conf kubelet.conf controller-manager.conf scheduler.conf
)
address=10.0.0.10
members=DNS:cp1,DNS:localhost,IP:$address,IP:127.0.0.1,IP:::1
services=DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local

for name in "${leaves[@]}"; do
    usage[$name]=clientAuth issuer[$name]=pki/ca days[$name]=365 hash[$name]=sha256 constraints[$name]=CA:FALSE
    key_usage[$name]=digitalSignature,keyEncipherment server[$name]=https://$address:6443 authority[$name]=pki/ca.crt
done
for name in "${cas[@]}"; do
    days[$name]=3650 constraints[$name]=CA:TRUE key_usage[$name]=digitalSignature,keyCertSign,cRLSign
done
subject[pki/ca]=/CN=kubernetes
subject[pki/etcd/ca]=/CN=etcd-ca
subject[pki/front-proxy-ca]=/CN=front-proxy-ca
subject[pki/apiserver]=/CN=kube-apiserver
usage[pki/apiserver]=serverAuth
san[pki/apiserver]=DNS:cp1,$services,IP:10.96.0.1,IP:$address
subject[pki/apiserver-kubelet-client]=/CN=kube-apiserver-kubelet-client
subject[pki/apiserver-etcd-client]=/CN=kube-apiserver-etcd-client
subject[pki/front-proxy-client]=/CN=front-proxy-client
issuer[pki/front-proxy-client]=pki/front-proxy-ca
issuer[pki/apiserver-etcd-client]=pki/etcd/ca
for name in pki/etcd/server pki/etcd/peer; do
    subject[$name]=/CN=cp1 san[$name]=$members usage[$name]=serverAuth,clientAuth issuer[$name]=pki/etcd/ca
done
subject[pki/etcd/healthcheck-client]=/CN=kube-etcd-healthcheck-client
issuer[pki/etcd/healthcheck-client]=pki/etcd/ca
subject[admin.conf]=/O=kubeadm:cluster-admins/CN=kubernetes-admin
subject[kubelet.conf]=/O=system:nodes/CN=system:node:cp1
subject[controller-manager.conf]=/CN=system:kube-controller-manager
subject[scheduler.conf]=/CN=system:kube-scheduler

# key PLACE: the key of this place, made once for all trees.
key() {
    install -m 600 "$KEYS/${pool[$1]:-${1//\//-}}" "$1.key"
}

# request PLACE: what the certificate is to say.
request() {
    openssl req -new -config "$config" -key "$1.key" -subj "${subject[$1]}" -out "$aside/$$.csr"
    {
        [ -z "${constraints[$1]}" ] || echo "basicConstraints=critical,${constraints[$1]}"
        [ -z "${key_usage[$1]}" ] || echo "keyUsage=critical,${key_usage[$1]}"
        [ -z "${usage[$1]:-}" ] || echo "extendedKeyUsage=${usage[$1]}"
        [ -z "${san[$1]:-}" ] || echo "subjectAltName=${san[$1]}"
        echo subjectKeyIdentifier=hash
    } > "$aside/$$.ext"
}

# ca PLACE: a CA that signs itself.
ca() {
    key "$1"
    request "$1"
    openssl x509 -req -in "$aside/$$.csr" -signkey "$1.key" -days "${days[$1]}" -extfile "$aside/$$.ext" -out "$1.crt"
}

# leaf PLACE: a certificate by its CA.
leaf() {
    local by=${issuer[$1]}
    key "$1"
    request "$1"
    openssl x509 -req -in "$aside/$$.csr" -CA "$by.crt" -CAkey "$by.key" "-${hash[$1]}" -days "${days[$1]}" \
        ${serial:+-set_serial "$serial"} -extfile "$aside/$$.ext" -out "$1.crt"
}

# conf FILE: the kubeconfig of the leaf that lies beside it.
conf() {
    local user=${subject[$1]##*CN=}
    cat > "$1" <<END
apiVersion: v1
kind: Config
clusters:
- name: by-hand
  cluster:
    certificate-authority-data: $(base64 -w0 "${authority[$1]}")
    server: ${server[$1]}
users:
- name: $user
  user:
    client-certificate-data: $(base64 -w0 "$1.crt")
    client-key-data: $(base64 -w0 "$1.key")
contexts:
- name: default
  context:
    cluster: by-hand
    user: $user
current-context: default
END
    chmod 600 "$1"
    rm "$1.crt" "$1.key"
}

# settled PLACE: all that its certificate depends on.
settled() {
    local field
    settled="${subject[$1]} ${san[$1]:-} ${usage[$1]:-} ${key_usage[$1]} ${days[$1]} ${constraints[$1]} ${pool[$1]:-}"
    settled+=" ${hash[$1]:-} ${server[$1]:-} ${authority[$1]:-} ${issuer[$1]:-} ${serial:-}"
    field=${issuer[$1]:-}
    if [ -n "$field" ]; then
        settled+=" ${subject[$field]} ${key_usage[$field]} ${days[$field]} ${constraints[$field]} ${pool[$field]:-}"
    fi
}

declare -A usual
for name in "${cas[@]}" "${leaves[@]}"; do
    settled "$name"
    usual[$name]=$settled
done

# Everything, in the order of such pages. What is as in SOUND, a tree made so before, is taken from there: openssl is slow.
by_hand() {
    local name
    mkdir -p pki/etcd
    [ -z "${SOUND:-}" ] || cp -a "$SOUND/." .
    for name in "${cas[@]}" "${leaves[@]}"; do
        settled "$name"
        [ -z "${SOUND:-}" ] || [ "$settled" != "${usual[$name]}" ] || continue
        case $name in
            *ca) ca "$name" ;;
            *.conf) leaf "$name" && conf "$name" ;;
            *) leaf "$name" ;;
        esac
    done
    if [ -z "${SOUND:-}" ]; then
        key pki/sa
        openssl rsa -in pki/sa.key -pubout -out pki/sa.pub
    fi
    afterwards
}

afterwards() { :; }

# kubelet: what a kubelet keeps once it was given its first certificate: rotated files, a link to the newest, a serving
# certificate of its own, and a kubelet.conf that names the link.
kubelet() {
    local rotated=../kubelet/kubelet-client-2026-11-01-10-00-00.pem user=system:node:cp1
    mkdir -p ../kubelet
    field kubelet.conf client-certificate-data > "$rotated"
    field kubelet.conf client-key-data >> "$rotated"
    chmod 600 "$rotated"
    ln -sf "${rotated##*/}" ../kubelet/kubelet-client-current.pem
    edit kubelet.conf "s#client-\(certificate\|key\)-data: .*#client-\1: $PWD/../kubelet/kubelet-client-current.pem#"
    key_of_serving
    openssl req -x509 -new -config "$config" -key ../kubelet/kubelet.key -subj "/CN=cp1@1795000000" -days 365 \
        -addext subjectAltName=DNS:cp1 -addext extendedKeyUsage=serverAuth -out ../kubelet/kubelet.crt
}

key_of_serving() {
    install -m 600 "$KEYS/kubelet" ../kubelet/kubelet.key
}

# serving FIELD=VALUE…: the kubelet's serving certificate, by the cluster's CA.
serving() {
    local subject=/O=system:nodes/CN=system:node:cp1 san=DNS:cp1,IP:$address usage=serverAuth days=365
    [ $# = 0 ] || local "$@"
    openssl req -new -config "$config" -key ../kubelet/kubelet.key -subj "$subject" -out "$aside/$$.csr"
    printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\n' > "$aside/$$.ext"
    printf 'extendedKeyUsage=%s\nsubjectAltName=%s\nsubjectKeyIdentifier=hash\n' "$usage" "$san" >> "$aside/$$.ext"
    openssl x509 -req -in "$aside/$$.csr" -CA pki/ca.crt -CAkey pki/ca.key -days "$days" -extfile "$aside/$$.ext" \
        -out ../kubelet/kubelet.crt
}

# rotated SUBJECT DAYS: the kubelet's newest certificate is this one.
rotated() {
    local file=../kubelet/kubelet-client-2026-11-21-10-00-00.pem
    install -m 600 "$KEYS/kubelet.conf" "$aside/rotated.key"
    openssl req -new -config "$config" -key "$aside/rotated.key" -subj "$1" -out "$aside/$$.csr"
    printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\n' > "$aside/$$.ext"
    printf 'extendedKeyUsage=clientAuth\nsubjectKeyIdentifier=hash\n' >> "$aside/$$.ext"
    openssl x509 -req -in "$aside/$$.csr" -CA pki/ca.crt -CAkey pki/ca.key -days "$2" -extfile "$aside/$$.ext" -out "$file"
    cat "$aside/rotated.key" >> "$file"
    chmod 600 "$file"
    ln -sf "${file##*/}" ../kubelet/kubelet-client-current.pem
}

# bootstrap: the kubeconfig with the token by which a kubelet asks for its first certificate.
bootstrap() {
    cat > bootstrap-kubelet.conf <<END
apiVersion: v1
kind: Config
clusters:
- name: by-hand
  cluster:
    certificate-authority-data: $(base64 -w0 pki/ca.crt)
    server: https://$address:6443
users:
- name: bootstrap
  user: {token: 07401b.f395accd246ae52d}
contexts:
- name: default
  context: {cluster: by-hand, user: bootstrap}
current-context: default
END
    chmod 600 bootstrap-kubelet.conf
}
