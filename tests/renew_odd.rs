//! `certs renew` over what is out of the common: sizes of keys that are not made, times that no calendar
//! goes past, kubeconfigs that name what is not theirs.

mod common;
use common::lines::{made, shell};
use common::{Finished, TempDir};

/// What the lines below make of `bob`, a client of one's own: `key BITS` his key and his request, `days N` his
/// certificate, `forever` one without a well-defined end (RFC 5280, section 4.1.2.5). `names FILE CERTIFICATE KEY` is
/// a kubeconfig with file references, and `sum` what is in the tree.
const BOB: &str = r#"
printf '%s\n' basicConstraints=critical,CA:FALSE keyUsage=critical,digitalSignature \
    extendedKeyUsage=clientAuth subjectKeyIdentifier=hash authorityKeyIdentifier=keyid > ext
serial=0x1234567890abcdef1234567890abcdef
key() {
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:$1 -pkeyopt rsa_keygen_primes:${2:-2} \
        -out k/pki/bob.key 2> /dev/null
    chmod 600 k/pki/bob.key
    openssl req -new -key k/pki/bob.key -out bob.csr -subj /O=dev/CN=bob
}
days() {
    openssl x509 -req -days $1 -extfile ext -CA k/pki/ca.crt -CAkey k/pki/ca.key \
        -set_serial $serial -in bob.csr -out k/pki/bob.crt 2> /dev/null
}
forever() {
    mkdir ca; : > ca/index; echo 1234567890abcdef1234 > ca/serial
    printf '%s\n' [ca] default_ca=d [d] database=ca/index serial=ca/serial new_certs_dir=ca \
        default_md=sha256 policy=p unique_subject=no \
        [p] organizationName=optional commonName=supplied > ca/config
    openssl ca -batch -config ca/config -startdate 20260101000000Z -enddate 99991231235959Z \
        -notext "$@" 2> /dev/null
}
names() {
    local cluster='{server: "https://10.0.0.10:6443", certificate-authority: pki/ca.crt}'
    printf '%s\n' 'apiVersion: v1' 'kind: Config' 'current-context: c' \
        "clusters: [{name: kubernetes, cluster: $cluster}]" \
        "users: [{name: u, user: {client-certificate: $2, client-key: $3}}]" \
        'contexts: [{name: c, context: {cluster: kubernetes, user: u}}]' > k/$1
    chmod 600 k/$1
}
sum() { (cd k; find . -type f ! -path '*/.certs-backup/*' | sort | xargs sha256sum); }
"#;

fn over(place: &TempDir, lines: &str) -> Finished {
    shell(place.path(), &[BOB, lines].concat())
}

/// The command ends with this code after these lines, says this, and nothing in the tree is another.
fn refused(lines: &str, command: &str, code: i32, words: &[&str]) -> Finished {
    let place = made();
    let lines = format!(
        "{lines}\nsum > before; code=0; {command} || code=$?; sum | diff before -; exit $code"
    );
    let said = over(&place, &lines).expect(code);
    for words in words {
        assert!(told(&said).contains(words), "{words}: {said}");
    }
    said
}

/// Findings, which `check` reports and others complain of.
fn told(said: &Finished) -> String {
    [said.stdout.as_str(), &said.stderr].concat()
}

#[test]
fn a_server_of_one_s_own_with_an_rsa_key_needs_no_key_encipherment() {
    let place = made();
    let lines = r"
        sed -i -e 's/clientAuth/serverAuth/' -e '$asubjectAltName=DNS:web.example' ext
        serves() {
            openssl s_server -unix socket -tls1_2 -quiet -cert k/pki/bob.crt -key k/pki/bob.key & server=$!
            for _ in $(seq 100); do [ -S socket ] && break; sleep 0.1; done
            openssl s_client -unix socket -tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256 -CAfile k/pki/ca.crt \
                -x509_strict -purpose sslserver -verify_return_error -verify_hostname web.example \
                < /dev/null > handshake 2>&1 || { cat handshake; kill $server; return 1; }
            kill $server; wait $server || true; rm -f socket
            grep -F 'Verify return code: 0 (ok)' handshake
            openssl x509 -in k/pki/bob.crt -noout -ext keyUsage | grep -Fx '    Digital Signature'
        }
        key 2048; days 90
        serves
        certs check $K --quiet
        certs renew bob.crt $K --quiet
        serves
        certs check $K --quiet
    ";
    over(&place, lines).expect(0);
}

#[test]
fn in_place_of_an_rsa_key_of_a_size_that_is_not_made_comes_the_next_larger_one() {
    let place = made();
    let text = "has a key of RSA-2056, which is not made: its new key is one of RSA-3072";
    let lines = "key 2056; days 10; certs renew --within 20d $K --dry-run";
    let said = over(&place, lines).expect(3);
    assert!(said.stderr.contains(text), "{said}");
    let lines = r"
        certs renew bob.crt --reuse-key $K
        openssl x509 -in k/pki/bob.crt -noout -text | grep -F '(2056 bit)'
        key 2056; days 10
        certs renew --within 20d $K 2> said || [ $? = 3 ]
        grep -F 'RSA-2056' said >&2
        openssl x509 -in k/pki/bob.crt -noout -text | grep -F '(3072 bit)'
        certs renew bob.crt $K --quiet
        openssl x509 -in k/pki/bob.crt -noout -text | grep -F '(3072 bit)'
    ";
    let said = over(&place, lines).expect(0);
    assert!(said.stderr.contains(text), "{said}");
}

#[test]
fn an_rsa_key_that_is_not_read_stops_no_other_renewal() {
    let place = made();
    let lines = "key 8200 5; days 10
        openssl x509 -in k/pki/apiserver.crt -noout -serial
        certs renew --all $K || code=$?
        openssl x509 -in k/pki/apiserver.crt -noout -serial; exit $code";
    let said = over(&place, lines).expect(4);
    assert!(
        said.stderr.contains("k/pki/bob.key cannot be used"),
        "{said}"
    );
    let serials: Vec<&str> = said
        .stdout
        .lines()
        .filter(|line| line.starts_with("serial="))
        .collect();
    assert!(serials.len() == 2 && serials[0] != serials[1], "{said}");
}

#[test]
fn missing_keys_are_asked_for_with_a_size_that_is_made() {
    let place = made();
    let lines = r#"
        for i in apiserver-kubelet-client front-proxy-client apiserver-etcd-client; do
            openssl genrsa -out k/pki/$i.key 2056 2> /dev/null; chmod 600 k/pki/$i.key
            ca=k/pki/ca
            case $i in front*) ca=k/pki/front-proxy-ca;; *etcd*) ca=k/pki/etcd/ca;; esac
            openssl req -new -key k/pki/$i.key -subj "/CN=$i" -out x.csr
            openssl x509 -req -days 365 -extfile ext -CA $ca.crt -CAkey $ca.key -set_serial $serial \
                -in x.csr -out k/pki/$i.crt 2> /dev/null
        done
        rm k/pki/apiserver.* k/pki/etcd/server.* k/pki/etcd/peer.* k/pki/etcd/healthcheck-client.* k/*.conf
        certs csr scheduler $K $F --csr-dir new
        openssl req -in new/scheduler.csr -noout -text | grep -F '(3072 bit)'
    "#;
    over(&place, lines).expect(0);
}

#[test]
fn a_ca_is_renewed_by_its_own_name_alone() {
    let not_named = ["is a CA, which it must not be"];
    let tool = "names tool.conf pki/ca.crt pki/ca.key";
    refused(tool, "certs renew tool.conf $K", 4, &not_named);
    let admin = "names admin.conf pki/etcd/ca.crt pki/front-proxy-ca.key";
    let said = refused(admin, "certs renew admin $K", 4, &not_named);
    assert!(!said.stderr.contains("renew that file"), "{said}");
    // No backup of a CA has what belongs there.
    let said = refused(
        tool,
        "certs check $K",
        4,
        &["k/tool.conf is a CA, which it must not be"],
    );
    assert!(!told(&said).contains("never replaces"), "{said}");
}

#[test]
fn a_kubeconfig_that_would_keep_an_error_of_its_own_refuses_the_run_that_names_it() {
    let admin = "names admin.conf pki/apiserver.crt pki/apiserver.key";
    let words = [
        "k/admin.conf has the subject \"CN=kube-apiserver\"",
        "lacks the extended key usage clientAuth",
    ];
    refused(admin, "certs renew admin $K", 4, &words);
    let tool = "names tool.conf pki/apiserver.crt pki/apiserver.key";
    refused(tool, "certs renew tool.conf $K", 4, &words[1..]);
    // The pair is not to suffer for who names it, and what is sound is renewed through its pair.
    let place = made();
    let lines = format!("{admin}; certs renew apiserver $K");
    over(&place, &lines).expect(0);
    let sound = "names tool.conf pki/apiserver-kubelet-client.crt pki/apiserver-kubelet-client.key
        certs renew tool.conf $K";
    let said = over(&place, sound).expect(0);
    assert!(
        said.stdout.contains("k/pki/apiserver-kubelet-client.crt"),
        "{said}"
    );
}

#[test]
fn what_has_no_end_is_renewed_until_its_ca_ends() {
    let place = made();
    let lines = r"
        key 2048
        forever -cert k/pki/ca.crt -keyfile k/pki/ca.key -in bob.csr -extfile ext -out k/pki/bob.crt
        openssl x509 -in k/pki/bob.crt -noout -enddate | grep -F 'Dec 31 23:59:59 9999 GMT'
        certs renew --all $K --quiet
        openssl x509 -in k/pki/bob.crt -noout -enddate > bob
        openssl x509 -in k/pki/ca.crt -noout -enddate | diff bob -
    ";
    over(&place, lines).expect(0);
}

#[test]
fn a_ca_that_has_no_end_has_none_once_it_is_renewed() {
    let place = made();
    let lines = r#"
        printf '%s\n' basicConstraints=critical,CA:TRUE \
            keyUsage=critical,digitalSignature,keyCertSign,cRLSign subjectKeyIdentifier=hash > of_ca
        mkdir -p f/pki; cp k/pki/ca.key f/pki
        openssl req -new -key f/pki/ca.key -subj /CN=kubernetes -out ca.csr
        forever -selfsign -keyfile f/pki/ca.key -in ca.csr -extfile of_ca -out f/pki/ca.crt
        T="--kubernetes-dir f"
        certs all $T $F $E --quiet
        certs renew ca $T --quiet
        openssl x509 -in f/pki/ca.crt -noout -enddate | grep -F 'Dec 31 23:59:59 9999 GMT'
        certs renew ca apiserver scheduler $T --quiet
        openssl x509 -in f/pki/ca.crt -noout -enddate | grep -F 'Dec 31 23:59:59 9999 GMT'
        openssl verify -CAfile f/pki/ca.crt f/pki/apiserver.crt
        certs check $T --quiet
    "#;
    over(&place, lines).expect(0);
}

#[test]
fn what_lasted_for_no_time_is_told_of_with_its_own_end_and_how_long_it_is_to_last() {
    let lines = "key 2048; days 0; openssl x509 -in k/pki/bob.crt -noout -enddate >&2; sleep 2";
    let way_out = "say how long the new one is to last: 'certs renew bob.crt --validity 8760h'";
    for verb in ["certs check $K", "certs renew bob.crt $K", "certs renew $K"] {
        let said = refused(lines, verb, 4, &[way_out]);
        let (_, ended) = said.stderr.split_once("notAfter=").expect("its end");
        let ended: Vec<&str> = ended.split_whitespace().collect();
        let told = told(&said);
        let told: Vec<&str> = told
            .lines()
            .filter(|line| line.contains("bob.crt ended on"))
            .collect();
        assert_eq!(told.len(), 1, "{said}");
        assert!(told[0].contains(ended[2]), "{said}");
    }
    let place = made();
    let lines = "key 2048; days 0; sleep 2; certs renew bob.crt --validity 8760h $K; certs check $K --quiet";
    over(&place, lines).expect(0);
}
