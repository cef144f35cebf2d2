// Verify holds a tree of Kubernetes certificates against crypto/x509 and crypto/tls, as the
// components of Kubernetes do. The standard library only.
//
//	verify -names NAME,… -addresses IP,… -etcd-names … -etcd-addresses … -foreign CA.crt DIR
//
// It prints one line a fault and, at the end, how many checks were made. Exit codes: 0 all hold,
// 1 at least one does not, 2 arguments.
package main

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

var (
	names         = flag.String("names", "", "DNS names of the API server")
	addresses     = flag.String("addresses", "", "IP addresses of the API server")
	etcdNames     = flag.String("etcd-names", "", "DNS names of etcd's server and peer")
	etcdAddresses = flag.String("etcd-addresses", "", "IP addresses of etcd's server and peer")
	foreign       = flag.String("foreign", "", "certificate of a CA that signed nothing here")
)

var checks, faults int

// hold counts a check and tells its fault.
func hold(what string, err error) bool {
	checks++
	if err != nil {
		faults++
		fmt.Printf("fault: %s: %v\n", what, err)
	}
	return err == nil
}

// refuse counts a check that must end in an error of type T.
func refuse[T error](what string, err error) {
	checks++
	var wanted T
	if !errors.As(err, &wanted) {
		faults++
		fmt.Printf("fault: %s: got %v, want a %T\n", what, err, wanted)
	}
}

func require(what string, holds bool) {
	var err error
	if !holds {
		err = errors.New("does not hold")
	}
	hold(what, err)
}

func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

type leaf struct {
	place          string // without .crt, or a kubeconfig
	issuer         string
	server, client bool
	etcd           bool
	subject        string // RFC 4514 order of encoding reversed, as Go prints it; empty: any
}

var leaves = []leaf{
	{"pki/apiserver", "pki/ca.crt", true, false, false, "CN=kube-apiserver"},
	{"pki/apiserver-kubelet-client", "pki/ca.crt", false, true, false, "CN=kube-apiserver-kubelet-client"},
	{"pki/apiserver-etcd-client", "pki/etcd/ca.crt", false, true, false, "CN=kube-apiserver-etcd-client"},
	{"pki/etcd/server", "pki/etcd/ca.crt", true, true, true, ""},
	{"pki/etcd/peer", "pki/etcd/ca.crt", true, true, true, ""},
	{"pki/etcd/healthcheck-client", "pki/etcd/ca.crt", false, true, false, "CN=kube-etcd-healthcheck-client"},
	{"pki/front-proxy-client", "pki/front-proxy-ca.crt", false, true, false, "CN=front-proxy-client"},
	{"admin.conf", "pki/ca.crt", false, true, false, "CN=kubernetes-admin,O=kubeadm:cluster-admins"},
	{"super-admin.conf", "pki/ca.crt", false, true, false, "CN=kubernetes-super-admin,O=system:masters"},
	{"kubelet.conf", "pki/ca.crt", false, true, false, ""},
	{"controller-manager.conf", "pki/ca.crt", false, true, false, "CN=system:kube-controller-manager"},
	{"scheduler.conf", "pki/ca.crt", false, true, false, "CN=system:kube-scheduler"},
}

var authorities = []string{"pki/ca.crt", "pki/etcd/ca.crt", "pki/front-proxy-ca.crt"}

func main() {
	flag.Parse()
	if flag.NArg() != 1 || *foreign == "" || *names == "" || *etcdNames == "" {
		flag.Usage()
		os.Exit(2)
	}
	tree := flag.Arg(0)
	everyFile(tree)
	pools := map[string]*x509.CertPool{}
	parents := map[string]*x509.Certificate{}
	for _, place := range authorities {
		if ca := authority(tree, place); ca != nil {
			parents[place] = ca
			pools[place] = x509.NewCertPool()
			pools[place].AddCert(ca)
		}
	}
	other, err := certificates(*foreign)
	if !hold("foreign CA", err) {
		os.Exit(1)
	}
	foreignPool := x509.NewCertPool()
	foreignPool.AddCert(other[0])
	for _, row := range leaves {
		parent, pool := parents[row.issuer], pools[row.issuer]
		if pair, err := load(tree, row.place); hold(row.place, err) && parent != nil {
			judge(row, pair.Leaf, parent, pool, foreignPool)
		}
	}
	handshakes(tree, pools, foreignPool)
	serviceAccount(tree)
	fmt.Printf("%d checks, %d faults\n", checks, faults)
	if faults > 0 {
		os.Exit(1)
	}
}

// everyFile parses every certificate of the tree, and every pair as a TLS server would load it.
func everyFile(tree string) {
	count := 0
	err := filepath.WalkDir(tree, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".crt" {
			return err
		}
		count++
		parsed, err := certificates(path)
		hold(path, err)
		for _, certificate := range parsed {
			require(path+": version 3", certificate.Version == 3)
			require(path+": positive serial number of 64 to 159 bits",
				certificate.SerialNumber.Sign() > 0 && certificate.SerialNumber.BitLen() > 64 &&
					certificate.SerialNumber.BitLen() < 160)
			require(path+": no unknown critical extension", len(certificate.UnhandledCriticalExtensions) == 0)
			require(path+": basic constraints", certificate.BasicConstraintsValid)
			require(path+": subject key identifier of RFC 7093 method 1",
				bytes.Equal(certificate.SubjectKeyId, identifier(certificate)))
		}
		_, err = tls.LoadX509KeyPair(path, strings.TrimSuffix(path, ".crt")+".key")
		hold(path+" with its key", err)
		return nil
	})
	hold(tree, err)
	require("ten certificates", count == 10)
}

// identifier is the leftmost 160 bits of SHA-256 over the subjectPublicKey's octets.
func identifier(certificate *x509.Certificate) []byte {
	var info struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(certificate.RawSubjectPublicKeyInfo, &info); err != nil {
		return nil
	}
	sum := sha256.Sum256(info.Key.Bytes)
	return sum[:20]
}

func certificates(path string) ([]*x509.Certificate, error) {
	rest, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var found []*x509.Certificate
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" || len(block.Headers) != 0 {
			return nil, fmt.Errorf("a block %q with headers %v", block.Type, block.Headers)
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		found = append(found, certificate)
	}
	if len(found) == 0 || len(rest) != 0 {
		return nil, fmt.Errorf("%d certificates, %d octets after them", len(found), len(rest))
	}
	return found, nil
}

func authority(tree, place string) *x509.Certificate {
	found, err := certificates(filepath.Join(tree, place))
	if !hold(place, err) {
		return nil
	}
	ca := found[0]
	require(place+": is a CA", ca.IsCA)
	require(place+": keyCertSign and cRLSign", ca.KeyUsage&x509.KeyUsageCertSign != 0 && ca.KeyUsage&x509.KeyUsageCRLSign != 0)
	require(place+": no name", len(ca.DNSNames)+len(ca.IPAddresses) == 0)
	hold(place+": self-signed", ca.CheckSignatureFrom(ca))
	return ca
}

// load reads a pair as client-go does: from files, or from a kubeconfig's data fields.
func load(tree, place string) (tls.Certificate, error) {
	path := filepath.Join(tree, place)
	if !strings.HasSuffix(place, ".conf") {
		return tls.LoadX509KeyPair(path+".crt", path+".key")
	}
	certificate, err := data(path, "client-certificate-data")
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := data(path, "client-key-data")
	if err != nil {
		return tls.Certificate{}, err
	}
	authority, err := data(path, "certificate-authority-data")
	if err != nil {
		return tls.Certificate{}, err
	}
	ca, err := os.ReadFile(filepath.Join(tree, "pki/ca.crt"))
	if err == nil && !bytes.Equal(ca, authority) {
		err = errors.New("certificate-authority-data is not pki/ca.crt")
	}
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(certificate, key)
}

func data(kubeconfig, field string) ([]byte, error) {
	text, err := os.ReadFile(kubeconfig)
	if err != nil {
		return nil, err
	}
	for _, line := range strings.Split(string(text), "\n") {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), field+": "); found {
			return base64.StdEncoding.Strict().DecodeString(value)
		}
	}
	return nil, fmt.Errorf("no %s", field)
}

func judge(row leaf, certificate, parent *x509.Certificate, pool, foreign *x509.CertPool) {
	place := row.place
	require(place+": issuer is the CA's subject", bytes.Equal(certificate.RawIssuer, parent.RawSubject))
	require(place+": authority key identifier", bytes.Equal(certificate.AuthorityKeyId, parent.SubjectKeyId))
	require(place+": not a CA", !certificate.IsCA)
	require(place+": within the CA's validity", !certificate.NotBefore.Before(parent.NotBefore) && !certificate.NotAfter.After(parent.NotAfter))
	if row.subject != "" {
		require(place+": subject "+row.subject+", not "+certificate.Subject.String(), certificate.Subject.String() == row.subject)
	}
	usages := map[x509.ExtKeyUsage]bool{x509.ExtKeyUsageServerAuth: row.server, x509.ExtKeyUsageClientAuth: row.client}
	for usage, allowed := range usages {
		options := x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{usage}}
		_, err := certificate.Verify(options)
		what := fmt.Sprintf("%s: verify for usage %v", place, usage)
		if allowed {
			hold(what, err)
		} else {
			refuse[x509.CertificateInvalidError](what, err)
		}
		options.Roots = foreign
		_, err = certificate.Verify(options)
		if allowed {
			refuse[x509.UnknownAuthorityError](what+" with a foreign CA", err)
		}
	}
	late := x509.VerifyOptions{Roots: pool, CurrentTime: certificate.NotAfter.Add(time.Second), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	_, err := certificate.Verify(late)
	refuse[x509.CertificateInvalidError](place+": after its end", err)
	wantNames, wantAddresses := []string(nil), []string(nil)
	if row.server {
		wantNames, wantAddresses = list(*names), list(*addresses)
	}
	if row.etcd {
		wantNames, wantAddresses = list(*etcdNames), list(*etcdAddresses)
	}
	require(fmt.Sprintf("%s: names %v, not %v", place, wantNames, certificate.DNSNames), same(wantNames, certificate.DNSNames))
	var found []string
	for _, address := range certificate.IPAddresses {
		found = append(found, address.String())
	}
	require(fmt.Sprintf("%s: addresses %v, not %v", place, wantAddresses, found), same(wantAddresses, found))
	for _, host := range append(wantNames, wantAddresses...) {
		hold(place+": host "+host, certificate.VerifyHostname(host))
	}
	for _, host := range []string{"other.example.test", "10.99.99.99"} {
		refuse[x509.HostnameError](place+": host "+host, certificate.VerifyHostname(host))
	}
}

// same compares as sets without repetition.
func same(wanted, found []string) bool {
	seen := map[string]bool{}
	for _, item := range found {
		if seen[item] {
			return false
		}
		seen[item] = true
	}
	for _, item := range wanted {
		if !seen[item] {
			return false
		}
	}
	return len(wanted) == len(found)
}

// handshakes are those of a control plane: each client with each server that it talks to.
func handshakes(tree string, pools map[string]*x509.CertPool, foreign *x509.CertPool) {
	cluster, etcd := pools["pki/ca.crt"], pools["pki/etcd/ca.crt"]
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, client := range []string{"admin.conf", "super-admin.conf", "kubelet.conf", "controller-manager.conf", "scheduler.conf"} {
			hold("handshake of "+client, handshake(tree, version, "pki/apiserver", client, cluster, cluster, "kubernetes.default.svc"))
		}
		for _, client := range []string{"pki/apiserver-etcd-client", "pki/etcd/healthcheck-client", "pki/etcd/server"} {
			hold("handshake of "+client, handshake(tree, version, "pki/etcd/server", client, etcd, etcd, "127.0.0.1"))
		}
		hold("handshake of etcd's peers", handshake(tree, version, "pki/etcd/peer", "pki/etcd/peer", etcd, etcd, "localhost"))
		for what, err := range map[string]error{
			"an unknown server":        handshake(tree, version, "pki/apiserver", "admin.conf", foreign, cluster, "kubernetes"),
			"an unknown client":        handshake(tree, version, "pki/apiserver", "admin.conf", cluster, foreign, "kubernetes"),
			"no client certificate":    handshake(tree, version, "pki/apiserver", "", cluster, cluster, "kubernetes"),
			"another host":             handshake(tree, version, "pki/apiserver", "admin.conf", cluster, cluster, "other.example.test"),
			"a client as a server":     handshake(tree, version, "pki/apiserver-kubelet-client", "admin.conf", cluster, cluster, "kubernetes"),
			"a server as a client":     handshake(tree, version, "pki/apiserver", "pki/apiserver", cluster, cluster, "kubernetes"),
			"etcd's client at the API": handshake(tree, version, "pki/apiserver", "pki/etcd/healthcheck-client", cluster, cluster, "kubernetes"),
		} {
			require("refused: "+what, err != nil)
		}
	}
}

func handshake(tree string, version uint16, server, client string, roots, clients *x509.CertPool, host string) error {
	serverPair, err := load(tree, server)
	if err != nil {
		return err
	}
	clientConfig := &tls.Config{RootCAs: roots, ServerName: host, MaxVersion: version, MinVersion: version}
	if client != "" {
		pair, err := load(tree, client)
		if err != nil {
			return err
		}
		// Sent even where the server does not name its issuer: the server must be the one to refuse.
		clientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	serverConfig := &tls.Config{Certificates: []tls.Certificate{serverPair}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: version, MaxVersion: version}
	// A real connection: both ends may be writing when one refuses, which a pipe cannot hold.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	deadline := time.Now().Add(10 * time.Second)
	result := make(chan error, 1)
	go func() {
		far, err := listener.Accept()
		if err != nil {
			result <- err
			return
		}
		defer far.Close()
		far.SetDeadline(deadline)
		connection := tls.Server(far, serverConfig)
		if err = connection.Handshake(); err == nil {
			_, err = connection.Write([]byte("ok"))
		}
		result <- err
	}()
	near, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		return err
	}
	defer near.Close()
	near.SetDeadline(deadline)
	connection := tls.Client(near, clientConfig)
	if err = connection.Handshake(); err == nil {
		// With TLS 1.3 a client learns of its refusal at its first read.
		_, err = connection.Read(make([]byte, 2))
	}
	near.Close()
	return errors.Join(err, <-result)
}

// serviceAccount signs a token with sa.key and verifies it with sa.pub.
func serviceAccount(tree string) {
	private, err := os.ReadFile(filepath.Join(tree, "pki/sa.key"))
	if !hold("sa.key", err) {
		return
	}
	public, err := os.ReadFile(filepath.Join(tree, "pki/sa.pub"))
	if !hold("sa.pub", err) {
		return
	}
	keyBlock, _ := pem.Decode(private)
	publicBlock, rest := pem.Decode(public)
	if keyBlock == nil || publicBlock == nil {
		hold("sa", errors.New("no PEM block"))
		return
	}
	require("sa.pub: one PUBLIC KEY", publicBlock.Type == "PUBLIC KEY" && len(rest) == 0)
	var key crypto.Signer
	switch keyBlock.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(keyBlock.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(keyBlock.Bytes)
	default:
		err = fmt.Errorf("a block %q", keyBlock.Type)
	}
	if !hold("sa.key", err) {
		return
	}
	parsed, err := x509.ParsePKIXPublicKey(publicBlock.Bytes)
	if !hold("sa.pub", err) {
		return
	}
	wanted, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	require("sa.pub is sa.key's", ok && wanted.Equal(parsed))
	digest := sha256.Sum256([]byte("token"))
	_, err = key.Sign(rand.Reader, digest[:], crypto.SHA256)
	hold("sa.key signs", err)
}
