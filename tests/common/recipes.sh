# The recipes of the faults: bash functions over OpenSSL and coreutils. The working directory is the
# tree; ADDRESS, ENDPOINT and EXTRA are the facts of its base. The clock stands still, and what is
# to be made at another time sets FAKETIME.

aside=../aside
mkdir -p "$aside"

hosts=DNS:cp1,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc
hosts+=,DNS:kubernetes.default.svc.cluster.local,IP:10.96.0.1,IP:$ADDRESS$EXTRA
etcd_hosts=DNS:cp1,DNS:localhost,IP:$ADDRESS,IP:127.0.0.1,IP:::1

# As kubeadm encodes names.
config=$aside/config
printf '[req]\nstring_mask=pkix\ndistinguished_name=dn\n[dn]\n' > "$config"

# key FILE [curve=CURVE|bits=BITS|kind=ed25519]: a new private key, in kubeadm's form.
key() {
    local file=$1 curve=prime256v1 bits='' kind=''
    shift
    [ $# = 0 ] || local "$@"
    if [ -n "$kind" ]; then
        openssl genpkey -algorithm "$kind" -out "$file"
    elif [ -n "$bits" ]; then
        openssl genrsa -traditional -out "$file" "$bits"
    else
        openssl ecparam -name "$curve" -genkey -noout -out "$file"
    fi
    chmod 600 "$file"
}

# field CONF NAME: what a kubeconfig holds under NAME, decoded.
field() {
    sed -n "s/^ *$2: //p" "$1" | base64 -d
}

# put CONF NAME FILE: puts a file's content under NAME.
put() {
    edit "$1" "s|^\( *$2:\) .*|\1 $(base64 -w0 "$3")|"
}

# edit FILE SCRIPT: sed that keeps the mode.
edit() {
    sed "$2" "$1" > "$aside/edited"
    cat "$aside/edited" > "$1"
}

# authority PLACE SUBJECT [FIELD=VALUE…]: PLACE.crt for PLACE.key, signed by itself. A key is made
# where there is none; the key identifier of a certificate that is there stays.
authority() {
    local place=$1 subject=$2 at=$FAKETIME days=3650 serial=''
    local bc=critical,CA:TRUE ku=critical,digitalSignature,keyCertSign,cRLSign ski=hash more=''
    shift 2
    [ ! -e "$place.crt" ] ||
        ski=$(openssl x509 -in "$place.crt" -noout -ext subjectKeyIdentifier | tail -1 | tr -d ' ')
    [ $# = 0 ] || local "$@"
    [ -e "$place.key" ] || key "$place.key"
    openssl req -new -config "$config" -key "$place.key" -subj "$subject" -out "$aside/request"
    extensions > "$aside/extensions"
    FAKETIME=$at openssl x509 -req -in "$aside/request" -signkey "$place.key" -days "$days" \
        ${serial:+-set_serial "$serial"} -extfile "$aside/extensions" -out "$aside/certificate"
    cat "$aside/certificate" > "$place.crt"
}

extensions() {
    [ -z "$bc" ] || echo "basicConstraints=$bc"
    [ -z "$ku" ] || echo "keyUsage=$ku"
    [ -z "${eku:-}" ] || echo "extendedKeyUsage=$eku"
    echo "subjectKeyIdentifier=$ski"
    [ -z "${aki:-}" ] || echo "authorityKeyIdentifier=$aki"
    [ -z "${san:-}" ] || echo "subjectAltName=$san"
    [ -z "$more" ] || printf '%s\n' "$more"
}

# issue PLACE [FIELD=VALUE…]: the sound certificate of a place but for the fields given, for the key
# that is there.
issue() {
    local place=$1 ca=pki/ca eku=clientAuth san='' subject='' key=''
    local at=$FAKETIME days=365 serial='' bc=critical,CA:FALSE ku='' ski=hash aki=keyid more='' hash=sha256
    shift
    case $place in
        pki/apiserver) subject=/CN=kube-apiserver eku=serverAuth san=$hosts ;;
        pki/apiserver-kubelet-client) subject=/CN=kube-apiserver-kubelet-client ;;
        pki/apiserver-etcd-client) subject=/CN=kube-apiserver-etcd-client ca=pki/etcd/ca ;;
        pki/etcd/healthcheck-client) subject=/CN=kube-etcd-healthcheck-client ca=pki/etcd/ca ;;
        pki/etcd/*) subject=/CN=cp1 ca=pki/etcd/ca eku=serverAuth,clientAuth san=$etcd_hosts ;;
        pki/front-proxy-client) subject=/CN=front-proxy-client ca=pki/front-proxy-ca ;;
        admin.conf) subject=/O=kubeadm:cluster-admins/CN=kubernetes-admin ;;
        super-admin.conf) subject=/O=system:masters/CN=kubernetes-super-admin ;;
        kubelet.conf) subject=/O=system:nodes/CN=system:node:cp1 ;;
        controller-manager.conf) subject=/CN=system:kube-controller-manager ;;
        scheduler.conf) subject=/CN=system:kube-scheduler ;;
    esac
    key=$place.key
    case $place in *.conf)
        key=$aside/key
        field "$place" client-key-data > "$key"
    esac
    ku=critical,digitalSignature
    ! grep -q RSA "$key" || ku+=,keyEncipherment
    [ $# = 0 ] || local "$@"
    openssl req -new -config "$config" -key "$key" -subj "$subject" -out "$aside/request"
    extensions > "$aside/extensions"
    FAKETIME=$at openssl x509 -req -in "$aside/request" -CA "$ca.crt" -CAkey "$ca.key" -days "$days" "-$hash" \
        ${serial:+-set_serial "$serial"} -extfile "$aside/extensions" -out "$aside/certificate"
    case $place in
        *.conf) put "$place" client-certificate-data "$aside/certificate" ;;
        *) cat "$aside/certificate" > "$place.crt" ;;
    esac
}

# kubeconfig FILE USER: a sound one of USER.
kubeconfig() {
    key "$aside/key"
    cat > "$1" <<END
apiVersion: v1
kind: Config
clusters:
- cluster:
    certificate-authority-data: $(base64 -w0 pki/ca.crt)
    server: $ENDPOINT
  name: kubernetes
contexts:
- context:
    cluster: kubernetes
    user: $2
  name: $2@kubernetes
current-context: $2@kubernetes
users:
- name: $2
  user:
    client-certificate-data: none
    client-key-data: $(base64 -w0 "$aside/key")
END
    chmod 600 "$1"
    issue "$1"
}

# service_account: sa.key and sa.pub.
service_account() {
    key pki/sa.key "$@"
    openssl pkey -in pki/sa.key -pubout -out pki/sa.pub
}

# sound: a whole tree.
sound() {
    mkdir -p pki/etcd
    authority pki/ca /CN=kubernetes
    authority pki/etcd/ca /CN=etcd-ca
    authority pki/front-proxy-ca /CN=front-proxy-ca
    local place
    for place in apiserver apiserver-kubelet-client apiserver-etcd-client front-proxy-client \
        etcd/server etcd/peer etcd/healthcheck-client; do
        key "pki/$place.key"
        issue "pki/$place"
    done
    service_account
    kubeconfig admin.conf kubernetes-admin
    kubeconfig super-admin.conf kubernetes-super-admin
    kubeconfig kubelet.conf system:node:cp1
    kubeconfig controller-manager.conf system:kube-controller-manager
    kubeconfig scheduler.conf system:kube-scheduler
}

# flip CRT: the last bit of its signature is another.
flip() {
    openssl x509 -in "$1" -outform DER -out "$aside/der"
    local last
    last=$(tail -c1 "$aside/der" | od -An -tu1)
    head -c -1 "$aside/der" > "$aside/flipped"
    printf '%b' "\\0$(printf %o $((last ^ 1)))" >> "$aside/flipped"
    openssl x509 -inform DER -in "$aside/flipped" -out "$aside/certificate"
    cat "$aside/certificate" > "$1"
}

# encrypt KEY: with a passphrase that nobody gives.
encrypt() {
    openssl pkcs8 -topk8 -v2 aes-256-cbc -passout pass:secret -in "$1" -out "$aside/locked"
    cat "$aside/locked" > "$1"
}

# bare: nothing but pki/ca stays.
bare() {
    find . -type f ! -path './pki/ca.*' -delete
}
