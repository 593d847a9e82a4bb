package main

import (
	"fmt"
	"sort"
	"strings"

	. "gatehouse/oracle/common"
)

func sortCases(cases []Case) {
	sort.SliceStable(cases, func(i, j int) bool { return cases[i].ID < cases[j].ID })
}

// ---- random tokens ----

var wild = []string{"null", "true", "5", "1.5", "1e999", `""`, `"x"`, `"one"`, `"api"`, `"system:masters"`, "[]", `["one","api"]`, `[null]`, "{}", `{"name":"a","uid":"uid-a"}`, `{"a":1,"a":2}`, `"\ud800"`, `"ü"`, `"1900000500"`, "1900000500", "1899999000", "-5", "9223372036854775807"}

func randomCases(r *R, n int) []Case {
	var cases []Case
	for i := 0; i < n; i++ {
		config := Pick(r, "all", "all", "service-accounts", "oidc", "legacy-issuer")
		var claims []string
		switch r.Intn(5) {
		case 0:
			claims = legacy()
		case 1:
			claims = bound("kubernetes.io", Pick(r, kube(), kube("pod", ref("p")), kube("pod", ref("p"), "node", ref("n")), kube("node", ref("n")), kube("secret", ref("s"))))
		case 2:
			claims = idToken(Pick(r, idpA, idpB, google, "accounts.google.com"), "groups", `["x"]`, "email", `"e@x"`)
		case 3:
			claims = celToken()
		default:
			claims = bound()
		}
		for k := r.Intn(3); k > 0; k-- {
			claim := claims[2*r.Intn(len(claims)/2)]
			claims = with(claims, claim, Pick(r, wild...))
		}
		if r.P(0.2) {
			claims = append(claims, Pick(r, "iss", "ISS", "aud", "exp", "Exp", "nbf", "x", "groups", "sub", "jti"), Pick(r, wild...))
		}
		if r.P(0.1) {
			claims = with(claims, claims[2*r.Intn(len(claims)/2)], "")
		}
		payload := obj(claims...)
		key := Pick(r, "rsa1", "rsa2", "ec256", "ec256", "ec384", "ec521", "ecother")
		alg := Pick(r, "RS256", "RS512", "ES256", "ES384", "ES512")
		if r.P(0.8) {
			alg = map[string]string{"rsa1": "RS256", "rsa2": "RS384", "ec256": "ES256", "ec384": "ES384", "ec521": "ES512", "ecother": "ES256"}[key]
		}
		keyID := Pick(r, "", kid(key), map[string]string{"rsa1": "k1", "rsa2": "same", "ec256": "k2", "ec384": "k3", "ec521": "k4", "ecother": "same"}[key])
		head := header(alg, keyID)
		if r.P(0.1) {
			head = strings.TrimSuffix(head, "}") + "," + q(Pick(r, "crit", "b64", "jwk", "x5c", "typ", "nonce", "kid", "alg", "x")) + ":" + Pick(r, wild...) + "}"
		}
		token := jwt(head, payload, alg, key)
		if r.P(0.1) {
			at := r.Intn(len(token))
			switch r.Intn(3) {
			case 0:
				token = flip(token, at)
			case 1:
				token = token[:at] + Pick(r, " ", "\n", "=", ".", "\u00a0", "\x00") + token[at:]
			default:
				token = token[:at] + token[at+1:]
			}
		}
		now := T + int64(Pick(r, 0, 0, 0, 0, -3600, -71, -70, -69, 59, 60, 61, 299, 300, 301, 3659, 3660, 3661, 86400))
		cases = append(cases, Case{ID: fmt.Sprintf("r%d", i), Config: config, Token: token, Now: now})
	}
	return cases
}

// ---- token files ----

func tokenFiles(r *R, n int) []FileCase {
	texts := map[string]string{
		"config": tokenCSV, "empty": "", "newlines": "\n\n\r\n", "two-columns": "a,b\n", "one-column": "a\n", "four": "t,u,i,g\n", "crlf": "t,u,i\r\nv,w,x\r\n", "cr-end": "t,u,i\r", "cr-inside": "t\r,u,i\n", "cr-only": "t,u,i\rv,w,x\n", "no-newline": "t,u,i",
		"quoted": "\"t\",\"u\",\"i\",\"a,b\"\n", "quoted-newline": "\"t\",\"u\nv\",\"i\"\n", "quoted-crlf": "\"t\",\"u\r\nv\",\"i\"\n", "bare-quote": "t,u\"v,i\n", "quote-end": "t,\"u\"v,i\n", "open-quote": "t,\"u,i\n", "open-quote-eof": "t,u,\"i", "quote-quote": "t,\"\"\"\",i\n", "only-quote": "\"\n", "quote-eof": "t,u,\"i\"",
		"comment": "# a,b,c\n", "bom": "\ufefft,u,i\n", "space": " t , u , i \n", "trailing-comma": "t,u,i,\n", "many": "t,u,i,g,h,j,k\n", "empty-token": ",u,i\n", "empty-quoted-token": "\"\",u,i\n", "dup": "t,u,i\nt,v,j\n", "second-bad": "t,u,i\nt,v\n", "nul": "t\x00,u,i\n", "bad-utf8": "t,\xff,i\n", "tabs": "t\tu\ti\n",
		"groups-empty-word": "t,u,i,\"a,,b\"\n", "groups-space": "t,u,i,\"a, b\"\n", "semicolon": "t;u;i\n", "quote-crlf-end": "\"t\",\"u\",\"i\"\r\n", "quote-cr-end": "\"t\",\"u\",\"i\"\r", "quote-cr-middle": "\"t\",\"u\"\r,\"i\"\n", "blank-with-space": "t,u,i\n \nv,w,x\n", "long": "t," + strings.Repeat("u", 70000) + ",i\n",
	}
	var cases []FileCase
	for _, id := range sorted(texts) {
		cases = append(cases, FileCase{ID: id, Text: texts[id]})
	}
	for i := 0; i < n; i++ {
		text := ""
		for k := r.Intn(24); k > 0; k-- {
			text += Pick(r, "a", "b", ",", ",", ",", "\"", "\"\"", "\n", "\r\n", "\r", " ", "t1", "t2", "a,b,c\n", "\"x,y\"", "#")
		}
		cases = append(cases, FileCase{ID: fmt.Sprintf("r%d", i), Text: text})
	}
	for i := range cases {
		parseTokenFile(&cases[i])
	}
	return cases
}

// ---- keys ----

func keyFiles() []FileCase {
	texts := map[string]string{"empty": "", "no-pem": "hello\n", "two": keyText("rsa2.pub") + "between\n" + keyText("ec384.pub"), "around": "x\n" + keyText("ec384.pub") + "y\n", "bad-then-good": keyText("short.pub") + keyText("ec384.pub"),
		"wrong-label": strings.ReplaceAll(keyText("rsa2.pub"), "PUBLIC KEY", "SOMETHING"), "crlf": strings.ReplaceAll(keyText("rsa2.pub"), "\n", "\r\n"), "params-only": strings.SplitAfter(keyText("ec256.pem"), "-----END EC PARAMETERS-----\n")[0]}
	for _, name := range []string{"rsa1.pem", "rsa2.pem", "rsa2.pub", "rsa1024.pem", "rsa512.pem", "ec224.pem", "ec256.pem", "ec384.pem", "ec521.pem", "ec384.pub", "ec521.crt", "ec256.p8", "ec256compressed.pub", "ec256explicit.pub", "ec256.enc", "ed.pem", "ed.pub", "pss.pem", "pss.pub", "k1.pub", "short.pub", "ecother.pem"} {
		texts[name] = keyText(name)
	}
	var cases []FileCase
	for _, id := range sorted(texts) {
		cases = append(cases, FileCase{ID: id, Text: texts[id]})
	}
	for i := range cases {
		parseKeyFile(&cases[i])
	}
	return cases
}

func keySets() []FileCase {
	cert := strings.Split(keyText("ec521.crt"), "\n")
	x5c := q(strings.Join(cert[1:len(cert)-2], ""))
	rsa, ec := jwkOf("rsa1", "a", ""), jwkOf("ec256", "b", "")
	texts := map[string]string{
		"empty-object": "{}", "no-keys": set(), "null": `{"keys":null}`, "two": set(rsa, ec), "upper": `{"KEYS":[` + rsa + `]}`, "twice": `{"keys":[` + rsa + `],"keys":[` + ec + `]}`, "object": `{"keys":{}}`, "string": `{"keys":"x"}`, "list": `[` + rsa + `]`, "not-json": "keys", "empty": "", "null-key": set("null"), "number-key": set("5"),
		"same-kid": set(rsa, jwkOf("rsa2", "a", "")), "no-kid": set(jwkOf("rsa1", "", "")), "unknown-type": set(rsa, `{"kty":"XXX"}`), "no-type": set(`{"kid":"a"}`), "oct": set(rsa, `{"kty":"oct","k":"AA"}`), "oct-no-k": set(`{"kty":"oct"}`), "ed": set(jwkOf("ed", "e", ""), rsa), "x25519": set(`{"kty":"OKP","crv":"X25519","x":"AA"}`),
		"p224": set(jwkOf("ec224", "p", "")), "short-x": set(`{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}`), "off-curve": set(`{"kty":"EC","crv":"P-256","x":` + q(b64(strings.Repeat("a", 32))) + `,"y":` + q(b64(strings.Repeat("a", 32))) + `}`), "no-y": set(`{"kty":"EC","crv":"P-256","x":"AA"}`), "zero": set(`{"kty":"EC","crv":"P-256","x":` + q(b64(strings.Repeat("\x00", 32))) + `,"y":` + q(b64(strings.Repeat("\x00", 32))) + `}`),
		"rsa-no-e": set(`{"kty":"RSA","n":"AQAB"}`), "rsa-null-e": set(`{"kty":"RSA","n":"AQAB","e":null}`), "rsa-small": set(jwkOf("rsa512", "s", "")), "rsa-padded": set(strings.Replace(rsa, `"e":"AQAB"`, `"e":"AQAB="`, 1)), "rsa-number": set(`{"kty":"RSA","n":5,"e":"AQAB"}`), "rsa-empty": set(`{"kty":"RSA","n":"","e":""}`),
		"dup-member": set(`{"kty":"RSA","kty":"EC"}`), "upper-member": set(`{"KTY":"RSA"}`), "unknown-member": set(jwkOf("rsa1", "a", `,"foo":{"a":1,"a":2}`)), "kid-number": set(`{"kty":"RSA","kid":5,"n":"AQAB","e":"AQAB"}`), "use": set(jwkOf("rsa1", "a", `,"use":"enc","alg":"RSA-OAEP","key_ops":["encrypt"]`)), "use-number": set(jwkOf("rsa1", "a", `,"use":5`)),
		"x5c": set(jwkOf("ec521", "c", `,"x5c":[`+x5c+`]`)), "x5c-other": set(jwkOf("rsa1", "c", `,"x5c":[`+x5c+`]`)), "x5c-bad": set(jwkOf("rsa1", "c", `,"x5c":["AAAA"]`)), "x5c-null": set(jwkOf("rsa1", "c", `,"x5c":null`)), "x5c-empty": set(jwkOf("rsa1", "c", `,"x5c":[]`)), "x5u": set(jwkOf("rsa1", "c", `,"x5u":"https://x"`)), "x5u-null": set(jwkOf("rsa1", "c", `,"x5u":null`)),
		"x5t": set(jwkOf("rsa1", "c", `,"x5t":"AAAA"`)), "x5t-good": set(jwkOf("rsa1", "c", `,"x5t":`+q(b64(strings.Repeat("a", 20))))), "x5t-hex": set(jwkOf("rsa1", "c", `,"x5t":`+q(b64(strings.Repeat("ab", 20))))), "x5t-not-hex": set(jwkOf("rsa1", "c", `,"x5t":`+q(b64(strings.Repeat("xy", 20))))), "x5t256": set(jwkOf("rsa1", "c", `,"x5t#S256":`+q(b64(strings.Repeat("a", 32))))), "x5t256-bad": set(jwkOf("rsa1", "c", `,"x5t#S256":"!"`)),
		"trailing": set(rsa) + "x", "space": " " + set(rsa) + "\n", "big-number": `{"x":1e999,"keys":[` + rsa + `]}`, "deep-key": set(jwkOf("rsa1", "a", `,"x":`+strings.Repeat("[", 500)+strings.Repeat("]", 500))),
	}
	var cases []FileCase
	for _, id := range sorted(texts) {
		cases = append(cases, FileCase{ID: id, Text: texts[id]})
	}
	for i := range cases {
		parseKeySet(&cases[i])
	}
	return cases
}

// ---- AuthenticationConfiguration ----

func authenticationConfigs() []FileCase {
	type change struct {
		id          string
		text        string
		unsupported bool
	}
	issuer := func(more ...string) string {
		return obj(with([]string{"url", `"https://a.example"`, "audiences", `["one"]`}, more...)...)
	}
	mapped := func(more ...string) string {
		return obj(with([]string{"username", `{"claim":"sub","prefix":""}`}, more...)...)
	}
	one := func(changes ...string) string {
		return authConfig(obj(with([]string{"issuer", issuer(), "claimMappings", mapped()}, changes...)...))
	}
	cases := []change{
		{"good", one(), false}, {"no-jwt", obj("apiVersion", `"apiserver.config.k8s.io/v1"`, "kind", `"AuthenticationConfiguration"`), false}, {"empty", "", false}, {"empty-map", "{}", false},
		{"jwt-null", obj("apiVersion", `"apiserver.config.k8s.io/v1"`, "kind", `"AuthenticationConfiguration"`, "jwt", "null"), false},
		{"v1beta1", strings.Replace(one(), "/v1\"", "/v1beta1\"", 1), false}, {"v1alpha1", strings.Replace(one(), "/v1\"", "/v1alpha1\"", 1), false}, {"v2", strings.Replace(one(), "/v1\"", "/v2\"", 1), false}, {"other-group", strings.Replace(one(), "apiserver.config.k8s.io", "apiserver.k8s.io", 1), false},
		{"other-kind", strings.Replace(one(), "AuthenticationConfiguration", "Foo", 1), false}, {"unknown-field", one("foo", "1"), false}, {"unknown-top", strings.Replace(one(), `"jwt"`, `"foo":1,"jwt"`, 1), false}, {"case", one("Issuer", issuer()), false},
		{"empty-jwt", authConfig("{}"), false}, {"null-entry", authConfig("null"), false}, {"two-same", authConfig(jwtConfig("https://a", `["x"]`, mapped()), jwtConfig("https://a", `["y"]`, mapped())), false}, {"two", authConfig(jwtConfig("https://a", `["x"]`, mapped()), jwtConfig("https://b", `["x"]`, mapped())), false},
		{"issuer-missing", one("issuer", ""), false}, {"mappings-missing", one("claimMappings", ""), false}, {"username-missing", one("claimMappings", "{}"), false}, {"issuer-string", one("issuer", `"x"`), false}, {"jwt-object", obj("apiVersion", `"apiserver.config.k8s.io/v1"`, "kind", `"AuthenticationConfiguration"`, "jwt", "{}"), false},
		{"anonymous", strings.Replace(one(), `"jwt"`, `"anonymous":{"enabled":true},"jwt"`, 1), false}, {"anonymous-conditions", strings.Replace(one(), `"jwt"`, `"anonymous":{"enabled":true,"conditions":[{"path":"/livez"}]},"jwt"`, 1), false}, {"anonymous-off-conditions", strings.Replace(one(), `"jwt"`, `"anonymous":{"enabled":false,"conditions":[{"path":"/livez"}]},"jwt"`, 1), false},
		{"anonymous-string", strings.Replace(one(), `"jwt"`, `"anonymous":{"enabled":"true"},"jwt"`, 1), false}, {"anonymous-unknown", strings.Replace(one(), `"jwt"`, `"anonymous":{"enabled":true,"foo":1},"jwt"`, 1), false},
		{"yaml", "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n- issuer:\n    url: https://a.example\n    audiences:\n    - one\n  claimMappings:\n    username:\n      claim: sub\n      prefix: \"\"\n", false},
		{"yaml-prefix-null", "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n- issuer:\n    url: https://a.example\n    audiences: [one]\n  claimMappings:\n    username: {claim: sub, prefix: }\n", false},
		{"yaml-dup", "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\nkind: AuthenticationConfiguration\n", false}, {"yaml-number", "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n- issuer: {url: https://a.example, audiences: [5]}\n  claimMappings: {username: {claim: sub, prefix: ''}}\n", false},
		{"yaml-yes", "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n- issuer: {url: https://a.example, audiences: [yes]}\n  claimMappings: {username: {claim: sub, prefix: ''}}\n", false}, {"yaml-bad", "a: [", false},
		{"rules", one("claimValidationRules", `[{"claim":"a","requiredValue":"b"}]`), false}, {"rules-no-value", one("claimValidationRules", `[{"claim":"a"}]`), false}, {"rules-empty", one("claimValidationRules", `[{}]`), false}, {"rules-twice", one("claimValidationRules", `[{"claim":"a"},{"claim":"a"}]`), false}, {"rules-message", one("claimValidationRules", `[{"claim":"a","message":"m"}]`), false},
		{"rules-expression", one("claimValidationRules", `[{"expression":"claims.a == 'b'"}]`), true}, {"rules-both", one("claimValidationRules", `[{"claim":"a","expression":"true"}]`), false}, {"rules-bad-expression", one("claimValidationRules", `[{"expression":"claims.a =="}]`), false}, {"user-rules", one("userValidationRules", `[{"expression":"user.username != 'x'"}]`), true}, {"user-rules-empty", one("userValidationRules", `[{}]`), false}, {"user-rules-none", one("userValidationRules", `[]`), false},
		{"64", authConfig(many(64)...), false}, {"65", authConfig(many(65)...), false},
	}
	for _, url := range []string{"https://a.example/x/", "http://a.example", "HTTPS://a.example", "https://u@a.example", "https://u:p@a.example", "https://a.example?q", "https://a.example?", "https://a.example#f", "https://a.example#", "a.example", "", "https:", "https:a", "https://", "ftp://a", "https://a b", "https://a.example/%zz", "https://[::1]:8443", "https://[::1", "https://a:port", "//a.example", "https://a\n", "sa-issuer", "https://sa.example"} {
		cases = append(cases, change{"url/" + url, one("issuer", issuer("url", q(url))), false}, change{"discovery/" + url, one("issuer", issuer("discoveryURL", q(url))), false})
	}
	cases = append(cases, change{"discovery-same", one("issuer", issuer("discoveryURL", `"https://a.example/"`)), false}, change{"url-null", one("issuer", issuer("url", "null")), false}, change{"url-number", one("issuer", issuer("url", "5")), false})
	for _, v := range []string{`[]`, `null`, `"one"`, `[""]`, `["a","a"]`, `["a","b"]`, `[5]`, `["a",null]`} {
		cases = append(cases, change{"audiences/" + v, one("issuer", issuer("audiences", v)), false}, change{"audiences-any/" + v, one("issuer", issuer("audiences", v, "audienceMatchPolicy", `"MatchAny"`)), false}, change{"audiences-all/" + v, one("issuer", issuer("audiences", v, "audienceMatchPolicy", `"MatchAll"`)), false})
	}
	for id, v := range map[string]string{"good": keyText("ec521.crt"), "empty": "", "text": "x", "key": keyText("rsa2.pub"), "short": strings.ReplaceAll(keyText("short.pub"), "PUBLIC KEY", "CERTIFICATE")} {
		cases = append(cases, change{"ca/" + id, one("issuer", issuer("certificateAuthority", q(v))), false})
	}
	cases = append(cases, change{"egress", one("issuer", issuer("egressSelectorType", `"cluster"`)), true}, change{"egress-bad", one("issuer", issuer("egressSelectorType", `"x"`)), false}, change{"egress-empty", one("issuer", issuer("egressSelectorType", `""`)), false})
	for id, v := range map[string]string{"claim": `{"claim":"a","prefix":"p"}`, "no-prefix": `{"claim":"a"}`, "prefix-null": `{"claim":"a","prefix":null}`, "both": `{"claim":"a","prefix":"","expression":"claims.a"}`, "expression-prefix": `{"expression":"claims.a","prefix":""}`, "only-prefix": `{"prefix":"x"}`, "empty": "{}", "unknown": `{"foo":1}`, "number": `{"claim":5,"prefix":""}`, "empty-claim": `{"claim":"","prefix":""}`} {
		cases = append(cases, change{"username/" + id, one("claimMappings", mapped("username", v)), false}, change{"groups/" + id, one("claimMappings", mapped("groups", v)), false}, change{"uid/" + id, one("claimMappings", mapped("uid", v)), false})
	}
	for _, e := range []struct {
		text        string
		unsupported bool
	}{
		{"claims.a", false}, {"claims.a.b.c", false}, {"claims.a + ':' + claims.b", false}, {"'x'", false}, {"\"x\"", false}, {"claims['a']", false}, {"claims[\"a\"].b", false}, {"claims.a[0]", true}, {"claims", true}, {"(claims.a)", true}, {"claims.a == 'x'", true}, {"has(claims.a)", true}, {"claims.?a", true}, {"claims.a__dot__b", true}, {"claims.in", false}, {"claims.true", false},
		{"claims.namespace", true}, {"claims.while", true}, {"claims.a +", false}, {"+ claims.a", false}, {"claims..a", false}, {"claims.1a", false}, {"claims.a-b", false}, {"claims.a 'x'", false}, {"foo.a", false}, {"'x", false}, {"'a\\n'", true}, {"'''x'''", true}, {"r'x'", true}, {"claims . a", false}, {" claims.a ", false}, {"claims.a// c", true}, {"claims.a + 5", true}, {"5", true}, {"true", true}, {"[claims.a]", true}, {"claims.a.startsWith('x')", true},
		{"claims.email", false}, {"claims.email + claims.email_verified", false}, {"claims['email']", false}, {"claims.email.x", false}, {"claims.x.email", false}, {"'' + claims.a", false}, {"claims.ü", false}, {"'ü' + claims.a", false}, {"claims['ü']", false}, {"claims.a\n+ claims.b", false}, {"claims._a", false}, {"claims.A9_", false}, {"claims.__a", true}, {"b'x'", true}, {"claims[a]", false}, {"''", false},
	} {
		v := `{"expression":` + q(e.text) + `}`
		cases = append(cases, change{"cel-username/" + e.text, one("claimMappings", mapped("username", v)), e.unsupported}, change{"cel-groups/" + e.text, one("claimMappings", mapped("groups", v)), e.unsupported}, change{"cel-uid/" + e.text, one("claimMappings", mapped("uid", v)), e.unsupported},
			change{"cel-extra/" + e.text, one("claimMappings", mapped("extra", `[{"key":"a.b/c","valueExpression":`+q(e.text)+`}]`)), e.unsupported})
	}
	cases = append(cases, change{"email-verified-in-extra", one("claimMappings", mapped("username", `{"expression":"claims.email"}`, "extra", `[{"key":"a.b/c","valueExpression":"claims.email_verified"}]`)), false})
	for _, key := range []string{"a.b/c", "a/b", "ab", "", "a/", "/b", "A.b/c", "a.b/C", "k8s.io/a", "x.k8s.io/a", "kubernetes.io/a", "xkubernetes.io/a", "x.kubernetes.io/a", "a.b/c d", "a_b/c", "a.b/ü", "a.b/c/d", "-a/b", "a.b/%zz", "a.b/c?d"} {
		cases = append(cases, change{"extra-key/" + key, one("claimMappings", mapped("extra", `[{"key":`+q(key)+`,"valueExpression":"claims.a"}]`)), false})
	}
	cases = append(cases, change{"extra-twice", one("claimMappings", mapped("extra", `[{"key":"a.b/c","valueExpression":"claims.a"},{"key":"a.b/c","valueExpression":"claims.b"}]`)), false}, change{"extra-no-value", one("claimMappings", mapped("extra", `[{"key":"a.b/c"}]`)), false})
	sort.SliceStable(cases, func(i, j int) bool { return cases[i].id < cases[j].id })
	var out []FileCase
	for _, c := range cases {
		out = append(out, FileCase{ID: c.id, Text: c.text, Unsupported: c.unsupported, Issuers: []string{"https://sa.example", "sa-issuer"}})
	}
	for i := range out {
		parseAuthConfig(&out[i])
	}
	return out
}

func many(n int) []string {
	var out []string
	for i := 0; i < n; i++ {
		out = append(out, jwtConfig(fmt.Sprintf("https://i%d.example", i), `["x"]`, `{"username":{"claim":"sub","prefix":""}}`))
	}
	return out
}

// ---- headers ----

func bearerHeaders(r *R, n int) []HeaderCase {
	var cases []HeaderCase
	for _, value := range []string{"Bearer abc", "bearer abc", "BEARER abc", "BeArEr abc", "Bearer  abc", "Bearer   abc", "Bearer abc def", "Bearer abc  ", " Bearer abc", "Bearer\tabc", "Bearer", "Bearer ", "Bearer: abc", "Basic abc", "abc", "", " ", "Bearer a\tb", "\u00a0Bearer abc\u00a0", "Bearer abc\u3000", "Bearer \u00a0abc", "Bearer abc,def", "Bearer=abc", "Token abc", "Bearer ab\xffc", "Bearer \xff", "\xffBearer abc", "Bearer abc\u2003", "Bear\u212aer abc", "bearer bearer", "Bearer Bearer abc", "Bearer abc\x85"} {
		cases = append(cases, HeaderCase{ID: value, Values: []string{value}})
	}
	cases = append(cases, HeaderCase{ID: "two", Values: []string{"Bearer a", "Bearer b"}}, HeaderCase{ID: "second only", Values: []string{"Basic x", "Bearer b"}})
	for i := 0; i < n; i++ {
		value := ""
		for k := r.Intn(8); k > 0; k-- {
			value += Pick(r, "Bearer", "bearer", " ", " ", "\t", "a", "abc", ",", "\u00a0", "Basic", "\u2028", "\xff")
		}
		cases = append(cases, HeaderCase{ID: fmt.Sprintf("r%d", i), Values: []string{value}})
	}
	for i := range cases {
		judgeBearer(&cases[i])
	}
	return cases
}

func webSocketHeaders(r *R, n int) []HeaderCase {
	p := "base64url.bearer.authorization.k8s.io."
	var cases []HeaderCase
	for _, values := range [][]string{{p + b64("token") + ", v4.channel.k8s.io"}, {"v4.channel.k8s.io, " + p + b64("token")}, {p + b64("token")}, {"v4"}, {""}, {}, {p}, {p + ",v4"}, {p + b64("a") + "," + p + b64("b") + ",v4"}, {p + b64("a"), p + b64("b"), "v4"}, {p + b64("a"), "v4", "v5"}, {"v4," + p + b64("a") + ",v5"},
		{p + "a,v4"}, {p + "YQ==,v4"}, {p + "YR,v4"}, {p + "!!,v4"}, {p + b64("\xff") + ",v4"}, {p + b64("a b") + ",v4"}, {p + b64("ü") + ",v4"}, {strings.ToUpper(p) + b64("a") + ",v4"}, {p + b64("a") + ","}, {"," + p + b64("a")}, {p + b64("a") + " , v4 ,\tv5"}, {"x" + p + b64("a") + ",v4"}, {p + b64("a") + ",\u00a0v4"}, {p + b64("a") + "\u00a0,v4"}, {p + b64("a"), ""}, {p + b64(""), p + b64("a"), "v4"}, {p + "Y Q,v4"}, {p + b64("a\nb") + ",v4"}} {
		cases = append(cases, HeaderCase{ID: strings.Join(values, "|"), Values: values})
	}
	for i := 0; i < n; i++ {
		var values []string
		for k := 1 + r.Intn(2); k > 0; k-- {
			value := ""
			for m := r.Intn(6); m > 0; m-- {
				value += Pick(r, p+b64("tok"), p, b64("x"), ",", ",", " ", "v4", "\u00a0", "=", "-", "A", "\xff")
			}
			values = append(values, value)
		}
		cases = append(cases, HeaderCase{ID: fmt.Sprintf("r%d", i), Values: values})
	}
	for i := range cases {
		judgeWebSocket(&cases[i])
	}
	return cases
}

// ---- small things ----

func timeCases(r *R, n int) []TimeCase {
	texts := []string{"2026-01-02T03:04:05Z", "2026-01-02T03:04:05+01:00", "2026-01-02T03:04:05-23:59", "2026-01-02T03:04:05+24:00", "2026-01-02T03:04:05+24:60", "2026-01-02T03:04:05+25:00", "2026-01-02T03:04:05+00:61", "2026-01-02T3:04:05Z", "2026-1-02T03:04:05Z", "2026-01-2T03:04:05Z", "2026-01-02T03:4:05Z", "2026-01-02T24:00:00Z", "2026-01-02T23:60:00Z", "2026-01-02T23:59:60Z",
		"2026-02-29T00:00:00Z", "2024-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2000-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-02T03:04:05.5Z", "2026-01-02T03:04:05,5Z", "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05.000Z", "2026-01-02T03:04:05.0000000009Z", "2026-01-02T03:04:05.123456789123Z", "2026-01-02T03:04:05z", "2026-01-02t03:04:05Z", "2026-01-02 03:04:05Z",
		"2026-01-02T03:04:05", "2026-01-02", "", "Z", " 2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z ", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "10000-01-01T00:00:00Z", "-001-01-01T00:00:00Z", "2026-01-02T03:04:05+0100", "2026-01-02T03:04:05+01", "2026-01-02T03:04:05 01:00", "2026-01-02T03:04:05+1:00", "2026-01-02T03:04:05-00:00", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2026-01-02T03:04:5Z", "20260-1-02T03:04:05Z"}
	for i := 0; i < n; i++ {
		text := fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02d", r.Intn(10000), r.Intn(14), r.Intn(33), r.Intn(26), r.Intn(62), r.Intn(62)) + Pick(r, "", ".5", ",25", ".000") + Pick(r, "Z", "+01:30", "-12:00", "+23:59", "z", "")
		if r.P(0.2) {
			at := r.Intn(len(text))
			text = text[:at] + text[at+1:]
		}
		texts = append(texts, text)
	}
	var out []TimeCase
	for _, text := range texts {
		out = append(out, judgeTime(text))
	}
	return out
}

func jsonCases(r *R, n int) []JSONCase {
	pieces := []string{"{", "}", "[", "]", ",", ":", `"iss"`, `"ISS"`, `"iſs"`, `"x"`, `"\u0069ss"`, `"a\n"`, `"\ud800"`, "null", "true", "false", "0", "-1", "1.5", "1e5", "01", "1.", "-", " ", "\n", "\t", "\xff", `"`, `\`, "nul", "1e999", `"i`, `{"iss":"a"}`, `{"iss":null}`, `"iss":"b"`, `"iss":5`, "[1,2]", "{}", "[]", "\x00", "/"}
	var out []JSONCase
	for i := 0; i < n; i++ {
		text := ""
		if r.P(0.6) {
			text = "{"
			for k := r.Intn(4); k > 0; k-- {
				text += Pick(r, `"iss"`, `"ISS"`, `"x"`, `"iſſ"`, `"I\u0053s"`) + Pick(r, ":", " : ") + Pick(r, `"a"`, `"b"`, "null", "5", `"\ud800x"`, `"\ud83d\ude00"`, "\"\xff\"", `["x",{"iss":"y"}]`, `{"iss":"z"}`, "1e999", `"a\/b"`) + ","
			}
			text = strings.TrimSuffix(text, ",") + "}"
			if r.P(0.3) {
				at := r.Intn(len(text))
				text = text[:at] + Pick(r, pieces...) + text[at:]
			}
		} else {
			for k := r.Intn(8); k > 0; k-- {
				text += Pick(r, pieces...)
			}
		}
		out = append(out, judgeJSON(text))
	}
	return out
}
