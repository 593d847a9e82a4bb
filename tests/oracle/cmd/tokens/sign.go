package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"embed"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"math/rand"
	"strings"

	. "gatehouse/oracle/common"
)

//go:embed keys
var keyDir embed.FS

func keyText(name string) string {
	b, err := keyDir.ReadFile("keys/" + name)
	Must(err)
	return string(b)
}

var signers = map[string]crypto.Signer{}

func signer(name string) crypto.Signer {
	if s := signers[name]; s != nil {
		return s
	}
	rest := []byte(keyText(name + ".pem"))
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			panic(name)
		}
		var key any
		var err error
		if key, err = x509.ParsePKCS8PrivateKey(block.Bytes); err != nil {
			if key, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
				key, err = x509.ParseECPrivateKey(block.Bytes)
			}
		}
		if err == nil {
			signers[name] = key.(crypto.Signer)
			return signers[name]
		}
	}
}

func kid(name string) string {
	der, err := x509.MarshalPKIXPublicKey(signer(name).Public())
	Must(err)
	sum := sha256.Sum256(der)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func hashOf(alg string) crypto.Hash {
	switch alg[2:] {
	case "384":
		return crypto.SHA384
	case "512":
		return crypto.SHA512
	}
	return crypto.SHA256
}

func pad(n *big.Int, size int) []byte {
	out := make([]byte, size)
	b := n.Bytes()
	if len(b) > size {
		b = b[len(b)-size:]
	}
	copy(out[size-len(b):], b)
	return out
}

// The same signature each time: PKCS#1 v1.5 by nature, ECDSA by RFC 6979, PSS with a salt of our own.
func signInput(alg, key, input string) string {
	if alg == "none" || key == "" {
		return ""
	}
	if strings.HasPrefix(alg, "HS") {
		mac := hmac.New(hashOf(alg).New, []byte(key))
		mac.Write([]byte(input))
		return string(mac.Sum(nil))
	}
	s := signer(key)
	if k, ok := s.(ed25519.PrivateKey); ok {
		return string(ed25519.Sign(k, []byte(input)))
	}
	h := hashOf(alg)
	hasher := h.New()
	hasher.Write([]byte(input))
	digest := hasher.Sum(nil)
	switch k := s.(type) {
	case *rsa.PrivateKey:
		if strings.HasPrefix(alg, "PS") {
			salt := rsa.PSSSaltLengthEqualsHash
			if strings.HasSuffix(key, "1024") {
				salt = 20
			}
			out, err := rsa.SignPSS(rand.New(rand.NewSource(1)), k, h, digest, &rsa.PSSOptions{SaltLength: salt})
			Must(err)
			return string(out)
		}
		out, err := rsa.SignPKCS1v15(nil, k, h, digest)
		if err != nil {
			return strings.Repeat("x", k.Size()) // a key that Go does not sign with
		}
		return string(out)
	case *ecdsa.PrivateKey:
		der, err := k.Sign(nil, digest, h)
		Must(err)
		r, t := rawSignature(der)
		size := map[string]int{"ES256": 32, "ES384": 48, "ES512": 66}[alg]
		if size == 0 {
			size = (k.Curve.Params().BitSize + 7) / 8
		}
		return string(append(pad(r, size), pad(t, size)...))
	}
	panic(fmt.Sprintf("%T", s))
}

func jwt(header, payload, alg, key string) string {
	input := b64(header) + "." + b64(payload)
	return input + "." + b64(signInput(alg, key, input))
}

func header(alg, keyID string) string {
	if keyID == "" {
		return fmt.Sprintf(`{"alg":%q}`, alg)
	}
	return fmt.Sprintf(`{"alg":%q,"kid":%q}`, alg, keyID)
}

func sign(payload, alg, key string) string { return jwt(header(alg, kid(key)), payload, alg, key) }

func num(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }

func jwkOf(name, keyID, more string) string {
	switch k := signer(name).Public().(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf(`{"kty":"RSA","kid":%q,"n":%q,"e":%q%s}`, keyID, num(k.N), num(big.NewInt(int64(k.E))), more)
	case *ecdsa.PublicKey:
		crv := map[elliptic.Curve]string{elliptic.P256(): "P-256", elliptic.P384(): "P-384", elliptic.P521(): "P-521", elliptic.P224(): "P-224"}[k.Curve]
		size := (k.Curve.Params().BitSize + 7) / 8
		return fmt.Sprintf(`{"kty":"EC","kid":%q,"crv":%q,"x":%q,"y":%q%s}`, keyID, crv, b64(string(pad(k.X, size))), b64(string(pad(k.Y, size))), more)
	case ed25519.PublicKey:
		return fmt.Sprintf(`{"kty":"OKP","kid":%q,"crv":"Ed25519","x":%q%s}`, keyID, b64(string(k)), more)
	}
	panic(name)
}

func set(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

func q(s string) string {
	b, err := json.Marshal(s)
	Must(err)
	return string(b)
}

// Members in the order given; each is a name and raw JSON.
func obj(members ...string) string {
	var out []string
	for i := 0; i+1 < len(members); i += 2 {
		out = append(out, q(members[i])+":"+members[i+1])
	}
	return "{" + strings.Join(out, ",") + "}"
}

// base with some members changed ("" as value: taken out) or added.
func with(base []string, changes ...string) []string {
	out := append([]string{}, base...)
	for i := 0; i+1 < len(changes); i += 2 {
		found := false
		for j := 0; j+1 < len(out); j += 2 {
			if out[j] == changes[i] {
				found = true
				if changes[i+1] == "" {
					out = append(out[:j], out[j+2:]...)
				} else {
					out[j+1] = changes[i+1]
				}
				break
			}
		}
		if !found && changes[i+1] != "" {
			out = append(out, changes[i], changes[i+1])
		}
	}
	return out
}
