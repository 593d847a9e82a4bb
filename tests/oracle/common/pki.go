// SPDX-License-Identifier: Apache-2.0

package common

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	mrand "math/rand/v2"
	"os"
	"time"
)

// Now is the clock of every certificate case.
var Now = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// det signs without randomness, so that a run gives the same bytes each time.
type det struct{ crypto.Signer }

func (d det) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if _, ok := opts.(*rsa.PSSOptions); ok {
		return d.Signer.Sign(mrand.NewChaCha8(sha256.Sum256(digest)), digest, opts)
	}
	return d.Signer.Sign(nil, digest, opts)
}

// KeyFile keeps the RSA and ECDSA keys, which cannot be made from a seed; ed25519 keys can.
var KeyFile = "testkeys.json"
var keyFile map[string][]byte

func Key(name, kind string) crypto.Signer {
	if kind == "" || kind == "ed25519" {
		s := sha256.Sum256([]byte("k8s-oracle-key:" + name))
		return ed25519.NewKeyFromSeed(s[:])
	}
	if keyFile == nil {
		keyFile = map[string][]byte{}
		if b, err := os.ReadFile(KeyFile); err == nil {
			Must(json.Unmarshal(b, &keyFile))
		}
	}
	id := kind + "/" + name
	if _, ok := keyFile[id]; !ok {
		var k crypto.Signer
		var err error
		switch kind {
		case "rsa1024":
			k, err = rsa.GenerateKey(rand.Reader, 1024)
		case "rsa2048":
			k, err = rsa.GenerateKey(rand.Reader, 2048)
		case "p224":
			k, err = ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
		case "p256":
			k, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		case "p384":
			k, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		case "p521":
			k, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
		}
		Must(err)
		der, err := x509.MarshalPKCS8PrivateKey(k)
		Must(err)
		keyFile[id] = der
		b, _ := json.MarshalIndent(keyFile, "", " ")
		Must(os.WriteFile(KeyFile, b, 0o600))
	}
	k, err := x509.ParsePKCS8PrivateKey(keyFile[id])
	Must(err)
	return det{k.(crypto.Signer)}
}

func Raw(k crypto.Signer) crypto.Signer {
	if d, ok := k.(det); ok {
		return d.Signer
	}
	return k
}

// RDN is one attribute of a subject: OID, ASN.1 tag (0: UTF8String) and the raw bytes.
type RDN struct {
	OID asn1.ObjectIdentifier
	Tag int
	Val []byte
	// Join puts the attribute in the same RDN set as the one before.
	Join bool
}

var (
	OCN   = asn1.ObjectIdentifier{2, 5, 4, 3}
	OO    = asn1.ObjectIdentifier{2, 5, 4, 10}
	OOU   = asn1.ObjectIdentifier{2, 5, 4, 11}
	OC    = asn1.ObjectIdentifier{2, 5, 4, 6}
	OSN   = asn1.ObjectIdentifier{2, 5, 4, 5}
	OUID  = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57683, 2}
	OEM   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}
	OLUID = asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}
)

type atv struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

// DN builds a raw subject.
func DN(rs ...RDN) []byte {
	var sets [][]byte
	var cur [][]byte
	flush := func() {
		if len(cur) == 0 {
			return
		}
		var body []byte
		for _, c := range cur {
			body = append(body, c...)
		}
		b, err := asn1.Marshal(asn1.RawValue{Class: 0, Tag: 17, IsCompound: true, Bytes: body})
		Must(err)
		sets = append(sets, b)
		cur = nil
	}
	for _, r := range rs {
		if !r.Join {
			flush()
		}
		tag := r.Tag
		if tag == 0 {
			tag = asn1.TagUTF8String
		}
		b, err := asn1.Marshal(atv{r.OID, asn1.RawValue{Class: 0, Tag: tag, Bytes: r.Val}})
		Must(err)
		cur = append(cur, b)
	}
	flush()
	var body []byte
	for _, s := range sets {
		body = append(body, s...)
	}
	b, err := asn1.Marshal(asn1.RawValue{Class: 0, Tag: 16, IsCompound: true, Bytes: body})
	Must(err)
	return b
}

func CN(s string) RDN { return RDN{OID: OCN, Val: []byte(s)} }
func O(s string) RDN  { return RDN{OID: OO, Val: []byte(s)} }

// Cert is a certificate with its key.
type Cert struct {
	Name string
	DER  []byte
	Key  crypto.Signer
	X    *x509.Certificate // nil when Go cannot parse it
	Err  error
}

var serial int64

// Issue signs tmpl with parent (nil: self-signed) and gives it a key of the named kind.
func Issue(name, kind string, parent *Cert, subject []byte, mod func(*x509.Certificate)) *Cert {
	serial++
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1000 + serial), RawSubject: subject,
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true,
	}
	if mod != nil {
		mod(t)
	}
	c := &Cert{Name: name, Key: Key(name, kind)}
	sk, pt := c.Key, t
	if parent != nil {
		sk, pt = parent.Key, parent.X
	}
	der, err := x509.CreateCertificate(rand.Reader, t, pt, c.Key.Public(), sk)
	if err != nil {
		panic(name + ": " + err.Error())
	}
	c.DER = der
	c.X, c.Err = x509.ParseCertificate(der)
	return c
}

func CA(t *x509.Certificate) {
	t.IsCA, t.KeyUsage, t.ExtKeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign, nil
}

func PEM(c *Cert) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.DER}))
}
func KeyPEM(c *Cert) string {
	b, err := x509.MarshalPKCS8PrivateKey(Raw(c.Key))
	Must(err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: b}))
}
