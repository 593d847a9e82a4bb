// SPDX-License-Identifier: Apache-2.0

// x509: who the real x509 request authenticator says a client certificate chain is.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"time"
	"unicode/utf16"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/group"
	"k8s.io/apiserver/pkg/authentication/request/anonymous"
	"k8s.io/apiserver/pkg/authentication/request/headerrequest"
	"k8s.io/apiserver/pkg/authentication/request/union"
	k8sx509 "k8s.io/apiserver/pkg/authentication/request/x509"
	"k8s.io/klog/v2"

	. "gatehouse/oracle/common"
)

type User struct {
	Name   string              `json:"name"`
	UID    string              `json:"uid"`
	Groups []string            `json:"groups"`
	Extra  map[string][]string `json:"extra"`
}

type Case struct {
	ID    string   `json:"id"`
	What  string   `json:"what"`
	Roots []string `json:"roots"`
	// Chain is what the client presents, its own certificate first.
	Chain []string `json:"chain"`
	Now   string   `json:"now"`

	// ParseError: Go cannot parse a certificate of the chain, so the TLS handshake fails.
	ParseError string `json:"parseError,omitempty"`
	// Result of the x509 authenticator alone: "user", "none" (no opinion) or "error".
	Result string `json:"result,omitempty"`
	Error  string `json:"error,omitempty"`
	User   *User  `json:"user,omitempty"`
	// What the server makes of it, with no other credentials: "user" (groups then gain system:authenticated), "anonymous" or "401".
	Server           string `json:"server,omitempty"`
	ServerFrontProxy string `json:"serverWithFrontProxyCA,omitempty"`
	// Handshake: whether a Go TLS 1.3 server with ClientAuth=RequestClientCert completes the handshake.
	Handshake string `json:"handshake,omitempty"`
}

var certs = map[string]*Cert{}
var order []string
var cases []*Case

func reg(c *Cert) *Cert {
	certs[c.Name] = c
	order = append(order, c.Name)
	return c
}

func pool(names []string) *x509.CertPool {
	p := x509.NewCertPool()
	for _, n := range names {
		p.AddCert(certs[n].X)
	}
	return p
}

var srvCert tls.Certificate
var frontCA *Cert

func handshake(chain []*Cert) string {
	a, b := net.Pipe()
	done := make(chan error, 1)
	go func() {
		s := tls.Server(a, &tls.Config{Certificates: []tls.Certificate{srvCert}, ClientAuth: tls.RequestClientCert})
		err := s.Handshake()
		if err == nil {
			_, err = s.Write([]byte("x"))
		}
		done <- err
		a.Close()
	}()
	cert := tls.Certificate{PrivateKey: Raw(chain[0].Key)}
	for _, c := range chain {
		cert.Certificate = append(cert.Certificate, c.DER)
	}
	c := tls.Client(b, &tls.Config{InsecureSkipVerify: true, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }})
	go func() { c.Handshake(); buf := make([]byte, 1); c.Read(buf); b.Close() }()
	select {
	case err := <-done:
		if err != nil {
			return err.Error()
		}
		return "ok"
	case <-time.After(5 * time.Second):
		return "timeout"
	}
}

func add(id, what string, roots []string, chain []*Cert, now time.Time) {
	c := &Case{ID: fmt.Sprintf("%s%03d", id, len(cases)), What: what, Roots: roots, Now: now.Format(time.RFC3339)}
	cases = append(cases, c)
	cs := &tls.ConnectionState{}
	for _, x := range chain {
		c.Chain = append(c.Chain, x.Name)
		if x.Err != nil {
			c.ParseError = x.Err.Error()
		}
		cs.PeerCertificates = append(cs.PeerCertificates, x.X)
	}
	if h := handshake(chain); h != "ok" {
		c.Handshake = h
	}
	if c.ParseError != "" {
		return
	}
	opts := k8sx509.DefaultVerifyOptions()
	opts.Roots, opts.CurrentTime = pool(roots), now
	req := func() *http.Request {
		r, _ := http.NewRequest("GET", "https://k8s/api", nil)
		r.TLS = cs
		return r
	}
	a := k8sx509.New(opts, k8sx509.CommonNameUserConversion)
	resp, ok, err := a.AuthenticateRequest(req())
	switch {
	case err != nil:
		c.Result, c.Error = "error", err.Error()
	case !ok:
		c.Result = "none"
	default:
		c.Result = "user"
		c.User = &User{resp.User.GetName(), resp.User.GetUID(), resp.User.GetGroups(), resp.User.GetExtra()}
		if c.User.Groups == nil {
			c.User.Groups = []string{}
		}
	}
	server := func(as ...authenticator.Request) string {
		x := union.NewFailOnError(group.NewAuthenticatedGroupAdder(union.New(as...)), anonymous.NewAuthenticator(nil))
		r, ok, err := x.AuthenticateRequest(req())
		switch {
		case err != nil || !ok:
			return "401"
		case r.User.GetName() == "system:anonymous" && c.Result != "user":
			return "anonymous"
		}
		return "user"
	}
	c.Server = server(a)
	fo := k8sx509.DefaultVerifyOptions()
	fo.Roots, fo.CurrentTime = x509.NewCertPool(), now
	fo.Roots.AddCert(frontCA.X)
	fp := headerrequest.NewDynamicVerifyOptionsSecure(k8sx509.StaticVerifierFn(fo), headerrequest.StaticStringSlice{}, headerrequest.StaticStringSlice{"X-Remote-User"}, headerrequest.StaticStringSlice{"X-Remote-Uid"}, headerrequest.StaticStringSlice{"X-Remote-Group"}, headerrequest.StaticStringSlice{"X-Remote-Extra-"})
	c.ServerFrontProxy = server(fp, a)
}

func bmp(s string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u>>8), byte(u))
	}
	return out
}

func main() {
	o := Parse(150)
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	frontCA = reg(Issue("front-proxy-ca", "", nil, DN(CN("front-proxy-ca")), CA))
	srv := Issue("server", "", nil, DN(CN("server")), func(t *x509.Certificate) { t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
	srvCert = tls.Certificate{Certificate: [][]byte{srv.DER}, PrivateKey: srv.Key}

	ra := reg(Issue("root-a", "", nil, DN(O("Test"), CN("root-a")), CA))
	rb := reg(Issue("root-b", "", nil, DN(CN("root-b")), CA))
	rx := reg(Issue("root-untrusted", "", nil, DN(CN("root-x")), CA))
	A := []string{"root-a"}
	AB := []string{"root-a", "root-b"}
	n := 0
	leaf := func(parent *Cert, dn []byte, mod func(*x509.Certificate)) *Cert {
		n++
		return reg(Issue(fmt.Sprintf("leaf-%03d", n), "", parent, dn, mod))
	}
	kleaf := func(kind string, parent *Cert, dn []byte, mod func(*x509.Certificate)) *Cert {
		n++
		return reg(Issue(fmt.Sprintf("leaf-%03d", n), kind, parent, dn, mod))
	}
	c := func(what string, roots []string, chain ...*Cert) { add("c", what, roots, chain, Now) }
	alice := DN(O("dev"), CN("alice"))

	c("CN and one O", A, leaf(ra, alice, nil))
	c("several O, their order kept", A, leaf(ra, DN(O("z"), O("a"), O("m"), CN("alice")), nil))
	c("O after CN", A, leaf(ra, DN(CN("alice"), O("late")), nil))
	c("duplicate O kept", A, leaf(ra, DN(O("a"), O("a"), CN("alice")), nil))
	c("no O", A, leaf(ra, DN(CN("alice")), nil))
	c("O=system:masters", A, leaf(ra, DN(O("system:masters"), CN("root")), nil))
	c("node", A, leaf(ra, DN(O("system:nodes"), CN("system:node:n1")), nil))
	c("CN=system:anonymous", A, leaf(ra, DN(O("x"), CN("system:anonymous")), nil))
	c("O=system:unauthenticated", A, leaf(ra, DN(O("system:unauthenticated"), CN("alice")), nil))
	c("O=system:authenticated", A, leaf(ra, DN(O("system:authenticated"), CN("alice")), nil))
	c("CN of a service account", A, leaf(ra, DN(CN("system:serviceaccount:ns1:sa1")), nil))
	c("no CN", A, leaf(ra, DN(O("dev")), nil))
	c("empty CN", A, leaf(ra, DN(O("dev"), CN("")), nil))
	c("empty subject", A, leaf(ra, DN(), func(t *x509.Certificate) { t.DNSNames = []string{"x"} }))
	c("empty O", A, leaf(ra, DN(O(""), O("b"), CN("alice")), nil))
	c("two CNs: the last wins", A, leaf(ra, DN(CN("first"), CN("second")), nil))
	c("two CNs, the last empty", A, leaf(ra, DN(CN("first"), CN("")), nil))
	c("two CNs in one RDN", A, leaf(ra, DN(CN("bbb"), RDN{OID: OCN, Val: []byte("aaa"), Join: true}), nil))
	c("CN and O in one RDN", A, leaf(ra, DN(CN("alice"), RDN{OID: OO, Val: []byte("joined"), Join: true}), nil))
	c("OU, C, serialNumber, email, LDAP uid are ignored", A, leaf(ra, DN(RDN{OID: OC, Tag: 19, Val: []byte("DE")}, RDN{OID: OOU, Val: []byte("unit")}, RDN{OID: OSN, Tag: 19, Val: []byte("7")}, RDN{OID: OEM, Tag: 22, Val: []byte("a@b")}, RDN{OID: OLUID, Val: []byte("luid")}, CN("alice")), nil))
	c("spaces kept", A, leaf(ra, DN(O(" a "), CN("  alice  b ")), nil))
	c("comma, slash, equals, quote in values", A, leaf(ra, DN(O("a,b/c=d\"e+f;g<h>\\"), CN("CN=x,O=y/z")), nil))
	c("UTF-8", A, leaf(ra, DN(O("Müller & Söhne"), CN("élise 日本 \U0001F600")), nil))
	c("not normalised (NFD)", A, leaf(ra, DN(CN("e\u0301lise")), nil))
	c("NUL in CN", A, leaf(ra, DN(CN("ali\x00ce")), nil))
	c("NUL in O", A, leaf(ra, DN(O("a\x00b"), CN("alice")), nil))
	c("newline and control characters", A, leaf(ra, DN(O("a\nb\r\t\x7f"), CN("alice\n")), nil))
	c("CN of 64", A, leaf(ra, DN(CN(string(make64("x", 64)))), nil))
	c("CN of 65 (over the X.520 bound)", A, leaf(ra, DN(CN(string(make64("x", 65)))), nil))
	c("CN of 3000, O of 3000", A, leaf(ra, DN(O(string(make64("o", 3000))), CN(string(make64("c", 3000)))), nil))
	c("100 O", A, leaf(ra, DN(append(manyO(100), CN("alice"))...), nil))
	// string types
	for _, t := range []struct {
		n   string
		tag int
		v   []byte
	}{{"PrintableString", 19, []byte("alice")}, {"PrintableString with *", 19, []byte("ali*ce")}, {"PrintableString with &", 19, []byte("ali&ce")}, {"PrintableString with @", 19, []byte("ali@ce")}, {"PrintableString with _", 19, []byte("ali_ce")}, {"PrintableString, colon", 19, []byte("system:x")}, {"PrintableString, non-ASCII", 19, []byte("\xc3\xa9")}, {"UTF8String", 12, []byte("alice")}, {"UTF8String, invalid", 12, []byte("ali\xffce")}, {"UTF8String, overlong", 12, []byte("a\xc0\xafb")}, {"UTF8String, surrogate", 12, []byte("a\xed\xa0\x80b")}, {"IA5String", 22, []byte("a@b")}, {"IA5String, non-ASCII", 22, []byte("a\xe9")}, {"T61String, ASCII", 20, []byte("alice")}, {"T61String, high bytes", 20, []byte("\xe9lise")}, {"BMPString", 30, bmp("alicé")}, {"BMPString, odd length", 30, []byte{0, 'a', 0}}, {"BMPString, surrogate pair", 30, bmp("\U0001F600")}, {"BMPString, trailing NUL", 30, append(bmp("alice"), 0, 0)}, {"NumericString", 18, []byte("12 34")}, {"NumericString, letters", 18, []byte("12a")}, {"UniversalString", 28, []byte{0, 0, 0, 'a'}}, {"VisibleString", 26, []byte("alice")}, {"GeneralString", 27, []byte("alice")}, {"OCTET STRING", 4, []byte("alice")}, {"INTEGER", 2, []byte{5}}, {"BOOLEAN", 1, []byte{255}}, {"empty UTF8String", 12, nil}, {"empty PrintableString", 19, nil}, {"empty BMPString", 30, nil}} {
		c("CN as "+t.n, A, leaf(ra, DN(O("dev"), RDN{OID: OCN, Tag: t.tag, Val: t.v}), nil))
		c("O as "+t.n, A, leaf(ra, DN(RDN{OID: OO, Tag: t.tag, Val: t.v}, O("dev"), CN("alice")), nil))
	}
	// UID attribute
	uid := func(v string) RDN { return RDN{OID: OUID, Val: []byte(v)} }
	c("UID attribute", A, leaf(ra, DN(CN("alice"), uid("u-1")), nil))
	c("UID before CN, with O", A, leaf(ra, DN(uid("u-1"), O("dev"), CN("alice")), nil))
	c("two UIDs", A, leaf(ra, DN(CN("alice"), uid("u-1"), uid("u-2")), nil))
	c("the same UID twice", A, leaf(ra, DN(CN("alice"), uid("u-1"), uid("u-1")), nil))
	c("empty UID", A, leaf(ra, DN(CN("alice"), uid("")), nil))
	c("UID as PrintableString", A, leaf(ra, DN(CN("alice"), RDN{OID: OUID, Tag: 19, Val: []byte("u-1")}), nil))
	c("UID as INTEGER", A, leaf(ra, DN(CN("alice"), RDN{OID: OUID, Tag: 2, Val: []byte{7}}), nil))
	c("UID but no CN", A, leaf(ra, DN(uid("u-1"), O("dev")), nil))
	c("two UIDs but no CN", A, leaf(ra, DN(uid("u-1"), uid("u-2"), O("dev")), nil))
	// time
	tm := func(nb, na time.Time) func(*x509.Certificate) {
		return func(t *x509.Certificate) { t.NotBefore, t.NotAfter = nb, na }
	}
	c("expired", A, leaf(ra, alice, tm(Now.AddDate(-2, 0, 0), Now.AddDate(0, 0, -1))))
	c("not yet valid", A, leaf(ra, alice, tm(Now.AddDate(0, 0, 1), Now.AddDate(1, 0, 0))))
	edge := leaf(ra, alice, tm(Now, Now))
	for _, d := range []time.Duration{-time.Second, 0, 500 * time.Millisecond, time.Second} {
		add("c", fmt.Sprintf("notBefore = notAfter, now %+v", d), A, []*Cert{edge}, Now.Add(d))
	}
	c("notAfter before notBefore", A, leaf(ra, alice, tm(Now.AddDate(1, 0, 0), Now.AddDate(-1, 0, 0))))
	c("notAfter 9999-12-31", A, leaf(ra, alice, tm(Now, time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC))))
	c("notBefore 1950", A, leaf(ra, alice, tm(time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2049, 12, 31, 23, 59, 59, 0, time.UTC))))
	// key usage
	eku := func(e ...x509.ExtKeyUsage) func(*x509.Certificate) {
		return func(t *x509.Certificate) { t.ExtKeyUsage = e }
	}
	c("EKU serverAuth only", A, leaf(ra, alice, eku(x509.ExtKeyUsageServerAuth)))
	c("EKU serverAuth and clientAuth", A, leaf(ra, alice, eku(x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth)))
	c("no EKU", A, leaf(ra, alice, eku()))
	c("EKU any", A, leaf(ra, alice, eku(x509.ExtKeyUsageAny)))
	c("EKU codeSigning", A, leaf(ra, alice, eku(x509.ExtKeyUsageCodeSigning)))
	c("EKU unknown only", A, leaf(ra, alice, func(t *x509.Certificate) {
		t.ExtKeyUsage = nil
		t.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 2, 3, 4}}
	}))
	c("keyUsage keyEncipherment only", A, leaf(ra, alice, func(t *x509.Certificate) { t.KeyUsage = x509.KeyUsageKeyEncipherment }))
	c("keyUsage certSign only", A, leaf(ra, alice, func(t *x509.Certificate) { t.KeyUsage = x509.KeyUsageCertSign }))
	c("no keyUsage", A, leaf(ra, alice, func(t *x509.Certificate) { t.KeyUsage = 0 }))
	c("leaf that is a CA", A, leaf(ra, alice, func(t *x509.Certificate) { t.IsCA = true }))
	c("no basicConstraints", A, leaf(ra, alice, func(t *x509.Certificate) { t.BasicConstraintsValid = false }))
	c("critical extension that nobody knows", A, leaf(ra, alice, func(t *x509.Certificate) {
		t.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
	}))
	c("other extension that nobody knows", A, leaf(ra, alice, func(t *x509.Certificate) {
		t.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: []byte{5, 0}}}
	}))
	c("certificate policies, critical", A, leaf(ra, alice, func(t *x509.Certificate) {
		t.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 32}, Critical: true, Value: []byte{0x30, 6, 0x30, 4, 6, 2, 42, 3}}}
	}))
	c("DNS, IP, email, URI SANs are no matter", A, leaf(ra, alice, func(t *x509.Certificate) { t.DNSNames = []string{"bob"}; t.EmailAddresses = []string{"bob@x"} }))
	c("SAN only, no subject CN", A, leaf(ra, DN(), func(t *x509.Certificate) { t.DNSNames = []string{"bob"} }))
	c("bad DNS SAN", A, leaf(ra, alice, func(t *x509.Certificate) { t.DNSNames = []string{"a b..c"} }))
	c("large serial", A, leaf(ra, alice, func(t *x509.Certificate) { t.SerialNumber = new(big.Int).Lsh(big.NewInt(1), 158) }))
	// keys
	for _, k := range []string{"rsa1024", "rsa2048", "p224", "p256", "p384", "p521", "ed25519"} {
		c("leaf key "+k, A, kleaf(k, ra, alice, nil))
	}
	for _, k := range []string{"rsa1024", "rsa2048", "p256", "p384", "p521"} {
		root := reg(Issue("root-"+k, k, nil, DN(CN("root-"+k)), CA))
		c("root key "+k, []string{root.Name}, leaf(root, alice, nil))
		if k == "rsa2048" {
			for _, sa := range []x509.SignatureAlgorithm{x509.SHA384WithRSA, x509.SHA512WithRSA, x509.SHA256WithRSAPSS} {
				c("signed with "+sa.String(), []string{root.Name}, leaf(root, alice, func(t *x509.Certificate) { t.SignatureAlgorithm = sa }))
			}
		}
		if k == "p256" {
			c("signed with ECDSA P-256 and SHA-512", []string{root.Name}, leaf(root, alice, func(t *x509.Certificate) { t.SignatureAlgorithm = x509.ECDSAWithSHA512 }))
		}
	}
	// trust
	c("signed by an unknown CA", A, leaf(rx, alice, nil))
	c("signed by the second root of two", AB, leaf(rb, alice, nil))
	c("no roots", []string{}, leaf(ra, alice, nil))
	self := reg(Issue("self-signed", "", nil, alice, nil))
	c("self-signed", A, self)
	c("self-signed leaf that is itself in the root pool", []string{"self-signed"}, self)
	inPool := leaf(rx, alice, nil)
	c("leaf in the root pool, its CA is not", []string{inPool.Name}, inPool)
	c("root certificate as the client's", A, ra)
	fake := reg(Issue("root-a-impostor", "", nil, DN(O("Test"), CN("root-a")), CA))
	c("issuer of the same name, another key", A, leaf(fake, alice, nil))
	c("issuer of the same name, another key, presented", A, leaf(fake, alice, nil), fake)
	bad := leaf(ra, alice, nil)
	broken := &Cert{Name: "leaf-bad-signature", Key: bad.Key, DER: append([]byte{}, bad.DER...)}
	broken.DER[len(broken.DER)-1] ^= 1
	broken.X, broken.Err = x509.ParseCertificate(broken.DER)
	c("bad signature", A, reg(broken))
	trail := &Cert{Name: "leaf-trailing-data", Key: bad.Key, DER: append(append([]byte{}, bad.DER...), 0)}
	trail.X, trail.Err = x509.ParseCertificate(trail.DER)
	c("trailing data after the certificate", A, reg(trail))
	// intermediates
	ia := reg(Issue("inter-a", "", ra, DN(CN("inter-a")), CA))
	ia2 := reg(Issue("inter-a2", "", ia, DN(CN("inter-a2")), CA))
	la := leaf(ia, alice, nil)
	la2 := leaf(ia2, alice, nil)
	c("intermediate presented", A, la, ia)
	c("intermediate missing", A, la)
	c("intermediate in the root pool", []string{"inter-a"}, la)
	c("two intermediates presented", A, la2, ia2, ia)
	c("two intermediates, wrong order", A, la2, ia, ia2)
	c("one of two intermediates missing", A, la2, ia2)
	c("with the root presented as well", A, la, ia, ra)
	c("unrelated certificates presented too", A, la, rx, la2, ia)
	c("the leaf twice", A, la, la, ia)
	c("intermediate only presented for a direct leaf", A, leaf(ra, alice, nil), ia)
	c("first certificate is the intermediate", A, ia, la)
	mk := func(name string, parent *Cert, mod func(*x509.Certificate)) *Cert {
		return reg(Issue(name, "", parent, DN(CN(name)), func(t *x509.Certificate) { CA(t); mod(t) }))
	}
	p0 := mk("inter-pathlen0", ra, func(t *x509.Certificate) { t.MaxPathLen, t.MaxPathLenZero = 0, true })
	p0s := mk("inter-under-pathlen0", p0, func(t *x509.Certificate) {})
	c("pathlen 0, leaf below", A, leaf(p0, alice, nil), p0)
	c("pathlen 0, CA below", A, leaf(p0s, alice, nil), p0s, p0)
	nca := mk("inter-not-ca", ra, func(t *x509.Certificate) { t.IsCA = false })
	c("intermediate is no CA", A, leaf(nca, alice, nil), nca)
	nbc := mk("inter-no-bc", ra, func(t *x509.Certificate) { t.BasicConstraintsValid, t.IsCA = false, false })
	c("intermediate has no basicConstraints", A, leaf(nbc, alice, nil), nbc)
	nks := mk("inter-no-certsign", ra, func(t *x509.Certificate) { t.KeyUsage = x509.KeyUsageDigitalSignature })
	c("intermediate has no keyCertSign", A, leaf(nks, alice, nil), nks)
	nku := mk("inter-no-ku", ra, func(t *x509.Certificate) { t.KeyUsage = 0 })
	c("intermediate has no keyUsage", A, leaf(nku, alice, nil), nku)
	iex := mk("inter-expired", ra, tm(Now.AddDate(-2, 0, 0), Now.AddDate(0, 0, -1)))
	c("intermediate expired", A, leaf(iex, alice, nil), iex)
	ise := mk("inter-eku-server", ra, eku(x509.ExtKeyUsageServerAuth))
	c("intermediate limited to serverAuth", A, leaf(ise, alice, nil), ise)
	icl := mk("inter-eku-client", ra, eku(x509.ExtKeyUsageClientAuth))
	c("intermediate limited to clientAuth", A, leaf(icl, alice, nil), icl)
	c("intermediate limited to clientAuth, leaf has no EKU", A, leaf(icl, alice, eku()), icl)
	ian := mk("inter-eku-any", ra, eku(x509.ExtKeyUsageAny))
	c("intermediate EKU any", A, leaf(ian, alice, nil), ian)
	icr := mk("inter-critical", ra, func(t *x509.Certificate) {
		t.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
	})
	c("intermediate with an unknown critical extension", A, leaf(icr, alice, nil), icr)
	dns := func(names ...string) func(*x509.Certificate) { return func(t *x509.Certificate) { t.DNSNames = names } }
	nc := mk("inter-nc-permit", ra, func(t *x509.Certificate) {
		t.PermittedDNSDomainsCritical = true
		t.PermittedDNSDomains = []string{"example.com"}
	})
	c("name constraints: permitted DNS, leaf without SAN", A, leaf(nc, alice, nil), nc)
	c("name constraints: permitted DNS, SAN inside", A, leaf(nc, alice, dns("a.example.com")), nc)
	c("name constraints: permitted DNS, SAN outside", A, leaf(nc, alice, dns("a.example.org")), nc)
	c("name constraints: permitted DNS, CN looks like a name outside", A, leaf(nc, DN(CN("a.example.org")), nil), nc)
	nx := mk("inter-nc-exclude", ra, func(t *x509.Certificate) {
		t.PermittedDNSDomainsCritical = true
		t.ExcludedDNSDomains = []string{"bad.example.com"}
		t.ExcludedEmailAddresses = []string{"evil.com"}
	})
	c("name constraints: excluded DNS, SAN inside", A, leaf(nx, alice, dns("x.bad.example.com")), nx)
	c("name constraints: excluded DNS, SAN outside", A, leaf(nx, alice, dns("x.good.example.com")), nx)
	c("name constraints: excluded mail", A, leaf(nx, alice, func(t *x509.Certificate) { t.EmailAddresses = []string{"a@evil.com"} }), nx)
	_, ipn, _ := net.ParseCIDR("10.0.0.0/8")
	ni := mk("inter-nc-ip", ra, func(t *x509.Certificate) {
		t.PermittedDNSDomainsCritical = true
		t.PermittedIPRanges = []*net.IPNet{ipn}
	})
	c("name constraints: permitted IP, SAN outside", A, leaf(ni, alice, func(t *x509.Certificate) { t.IPAddresses = []net.IP{net.IPv4(192, 168, 0, 1)} }), ni)
	c("name constraints: permitted IP, SAN inside", A, leaf(ni, alice, func(t *x509.Certificate) { t.IPAddresses = []net.IP{net.IPv4(10, 1, 0, 1)} }), ni)
	ndn := mk("inter-nc-dirname", ra, func(t *x509.Certificate) {
		// permitted directoryName O=Test
		dn := DN(O("Test"))
		gn, _ := asn1.Marshal(asn1.RawValue{Class: 2, Tag: 4, IsCompound: true, Bytes: dn})
		st, _ := asn1.Marshal(asn1.RawValue{Class: 0, Tag: 16, IsCompound: true, Bytes: gn})
		pm, _ := asn1.Marshal(asn1.RawValue{Class: 2, Tag: 0, IsCompound: true, Bytes: st})
		v, _ := asn1.Marshal(asn1.RawValue{Class: 0, Tag: 16, IsCompound: true, Bytes: pm})
		t.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 30}, Critical: true, Value: v}}
	})
	c("name constraints: critical, directoryName", A, leaf(ndn, alice, nil), ndn)
	// roots with faults of their own
	rexp := reg(Issue("root-expired", "", nil, DN(CN("root-expired")), func(t *x509.Certificate) { CA(t); t.NotAfter = Now.AddDate(0, 0, -1) }))
	c("root expired", []string{"root-expired"}, leaf(rexp, alice, nil))
	rse := reg(Issue("root-eku-server", "", nil, DN(CN("root-eku-server")), func(t *x509.Certificate) { CA(t); t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }))
	c("root limited to serverAuth", []string{"root-eku-server"}, leaf(rse, alice, nil))
	rp0 := reg(Issue("root-pathlen0", "", nil, DN(CN("root-pathlen0")), func(t *x509.Certificate) { CA(t); t.MaxPathLenZero = true }))
	ip0 := mk("inter-under-root-pathlen0", rp0, func(t *x509.Certificate) {})
	c("root pathlen 0, intermediate below", []string{"root-pathlen0"}, leaf(ip0, alice, nil), ip0)
	rnc := reg(Issue("root-not-ca", "", nil, DN(CN("root-not-ca")), func(t *x509.Certificate) { CA(t); t.IsCA = false }))
	c("root is no CA", []string{"root-not-ca"}, leaf(rnc, alice, nil))
	// cross-signed: two chains to two roots
	cross := reg(Issue("cross", "", rb, DN(CN("inter-a")), CA))
	_ = cross
	c("signed by the proxy CA only", A, leaf(frontCA, DN(CN("front-proxy-client")), nil))

	// random subjects and faults
	r := NewR(o.Seed)
	parents := []*Cert{ra, ra, ra, rb, ia, ia2, rx}
	for i := 0; i < o.N; i++ {
		p := parents[r.Intn(len(parents))]
		var rs []RDN
		for k := 1 + r.Intn(6); k > 0; k-- {
			oid := Pick(r, OO, OO, OO, OCN, OCN, OOU, OUID, OEM)
			tag := Pick(r, 12, 12, 12, 19, 22, 20, 30)
			v := []byte(Pick(r, "alice", "bob", "dev", "ops", "system:masters", "system:nodes", "system:node:n7", "", "a b", "x-1", "7"))
			if tag == 30 {
				v = bmp(string(v))
			}
			if tag == 12 && r.P(0.2) {
				v = []byte("ünï-" + string(v))
			}
			if tag == 19 && r.P(0.8) {
				tag = 12
			}
			rs = append(rs, RDN{OID: oid, Tag: tag, Val: v, Join: len(rs) > 0 && r.P(0.15)})
		}
		nb, na := Now.AddDate(-1, 0, 0), Now.AddDate(1, 0, 0)
		if r.P(0.08) {
			na = Now.AddDate(0, 0, -r.Intn(30))
		}
		e := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		if r.P(0.1) {
			e = [][]x509.ExtKeyUsage{nil, {x509.ExtKeyUsageServerAuth}, {x509.ExtKeyUsageAny}, {x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}[r.Intn(4)]
		}
		l := leaf(p, DN(rs...), func(t *x509.Certificate) { t.NotBefore, t.NotAfter, t.ExtKeyUsage = nb, na, e })
		chain := []*Cert{l}
		switch p {
		case ia:
			if r.P(0.8) {
				chain = append(chain, ia)
			}
		case ia2:
			chain = append(chain, ia2)
			if r.P(0.8) {
				chain = append(chain, ia)
			}
		}
		roots := A
		if r.P(0.5) {
			roots = AB
		}
		add("r", "random", roots, chain, Now)
	}
	pems := map[string]string{}
	keys := map[string]string{}
	for _, nme := range order {
		pems[nme] = PEM(certs[nme])
		keys[nme] = KeyPEM(certs[nme])
	}
	Write(o, map[string]any{"format": "k8s-x509/1", "kubernetes": KubernetesVersion, "seed": o.Seed, "frontProxyCA": "front-proxy-ca", "certificates": pems, "cases": cases})
	if o.Out != "-" {
		o.Out = o.Out[:len(o.Out)-len(".json")] + "-keys.json"
		Write(o, map[string]any{"note": "TEST KEYS ONLY, made from fixed seeds", "keys": keys})
	}
	_ = os.Stderr
}

func make64(s string, n int) []byte {
	var b []byte
	for i := 0; i < n; i++ {
		b = append(b, s...)
	}
	return b
}
func manyO(n int) (out []RDN) {
	for i := 0; i < n; i++ {
		out = append(out, O(fmt.Sprintf("g%03d", i)))
	}
	return
}
