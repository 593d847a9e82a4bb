package main

import (
	"encoding/base64"
	"fmt"
	"strings"
)

const (
	T       = int64(1900000000)
	issuer1 = "https://kubernetes.default.svc.cluster.local"
	issuer2 = "old-issuer"
	idpA    = "https://idp.example.com/a"
	idpB    = "https://idp.example.com/b/"
	idpC    = "https://cel.example.com"
	google  = "https://accounts.google.com"
)

const tokenCSV = "secret-token,alice,u-1,\"dev,ops\"\nplain,bob,u-2\n\"quo\"\"ted\",carol,,\nempty-groups,dave,u-4,\"\"\n" +
	"dup,first,1\ndup,second,2,\"g\"\nextra,eve,5,g1,ignored,columns\nünï,ünïcode,6,grüppe\n,no-token,7\nabcdef.0123456789abcdef,from-file,8\nnobody,,9\n"

func secret(name, ns, kind string, deleted bool, data ...string) string {
	var members []string
	for i := 0; i+1 < len(data); i += 2 {
		members = append(members, data[i], q(base64.StdEncoding.EncodeToString([]byte(data[i+1]))))
	}
	meta := []string{"name", q(name), "namespace", q(ns)}
	if deleted {
		meta = append(meta, "deletionTimestamp", `"2020-01-01T00:00:00Z"`)
	}
	return obj("apiVersion", `"v1"`, "kind", `"Secret"`, "metadata", obj(meta...), "type", q(kind), "data", obj(members...))
}

func bootstrapSecret(id string, more ...string) string {
	base := []string{"token-id", id, "token-secret", "0123456789abcdef", "usage-bootstrap-authentication", "true"}
	for i := 0; i+1 < len(more); i += 2 {
		found := false
		for j := 0; j < len(base); j += 2 {
			if base[j] == more[i] {
				base[j+1], found = more[i+1], true
			}
		}
		if !found {
			base = append(base, more[i], more[i+1])
		}
	}
	return secret("bootstrap-token-"+id, "kube-system", "bootstrap.kubernetes.io/token", false, base...)
}

func secrets() string {
	kind := "bootstrap.kubernetes.io/token"
	full := []string{"token-secret", "0123456789abcdef", "usage-bootstrap-authentication", "true", "token-id"}
	list := []string{
		bootstrapSecret("abcdef"),
		bootstrapSecret("groups", "auth-extra-groups", "system:bootstrappers:z,system:bootstrappers:a:b-c,system:bootstrappers:z"),
		bootstrapSecret("badgrp", "auth-extra-groups", "system:bootstrappers:ok,system:masters"),
		bootstrapSecret("grpend", "auth-extra-groups", "system:bootstrappers:a,"),
		bootstrapSecret("grpdsh", "auth-extra-groups", "system:bootstrappers:a-"),
		bootstrapSecret("grplen", "auth-extra-groups", "system:bootstrappers:"+strings.Repeat("a", 256)),
		bootstrapSecret("grplon", "auth-extra-groups", "system:bootstrappers:"+strings.Repeat("a", 257)),
		bootstrapSecret("grpbar", "auth-extra-groups", "system:bootstrappers:"),
		bootstrapSecret("grpspc", "auth-extra-groups", "system:bootstrappers:a, system:bootstrappers:b"),
		bootstrapSecret("expird", "expiration", "2020-01-01T00:00:00Z"),
		bootstrapSecret("future", "expiration", "2199-12-31T23:59:59+01:00"),
		bootstrapSecret("badexp", "expiration", "tomorrow"),
		bootstrapSecret("expemp", "expiration", ""),
		bootstrapSecret("nouse1", "usage-bootstrap-authentication", "True"),
		bootstrapSecret("nouse2", "usage-bootstrap-authentication", ""),
		bootstrapSecret("usage2", "usage-bootstrap-signing", "true"),
		bootstrapSecret("wrgid1", "token-id", "abcdef"),
		bootstrapSecret("nosec1", "token-secret", ""),
		bootstrapSecret("shrtsc", "token-secret", "0123456789abcde"),
		secret("bootstrap-token-typ001", "kube-system", "Opaque", false, append(full, "typ001")...),
		secret("bootstrap-token-nsp001", "default", kind, false, append(full, "nsp001")...),
		secret("bootstrap-token-del001", "kube-system", kind, true, append(full, "del001")...),
		secret("other-name", "kube-system", kind, false, append(full, "namexx")...),
		secret("bootstrap-token-UPPER1", "kube-system", kind, false, append(full, "UPPER1")...),
	}
	plain := obj("apiVersion", `"v1"`, "kind", `"Secret"`, "metadata", obj("name", `"bootstrap-token-string"`, "namespace", `"kube-system"`), "type", q(kind),
		"data", obj("token-id", q(base64.StdEncoding.EncodeToString([]byte("wrong1")))),
		"stringData", obj("token-id", `"string"`, "token-secret", `"0123456789abcdef"`, "usage-bootstrap-authentication", `"true"`))
	return obj("apiVersion", `"v1"`, "kind", `"SecretList"`, "items", "["+strings.Join(append(list, plain), ",")+"]")
}

func authConfig(jwts ...string) string {
	return obj("apiVersion", `"apiserver.config.k8s.io/v1"`, "kind", `"AuthenticationConfiguration"`, "jwt", "["+strings.Join(jwts, ",")+"]")
}

func jwtConfig(issuer, audiences, mappings string, more ...string) string {
	i := obj("url", q(issuer), "audiences", audiences, "audienceMatchPolicy", `"MatchAny"`)
	return obj(append([]string{"issuer", i, "claimMappings", mappings}, more...)...)
}

func configs() map[string]*Config {
	jwts := []string{
		jwtConfig(idpA, `["one","two"]`, obj("username", `{"claim":"sub","prefix":"a:"}`, "groups", `{"claim":"groups","prefix":"g:"}`, "uid", `{"claim":"uid"}`),
			"claimValidationRules", `[{"claim":"hd","requiredValue":"example.com"},{"claim":"tier","requiredValue":""}]`),
		jwtConfig(idpB, `["one"]`, obj("username", `{"claim":"email","prefix":""}`, "groups", `{"claim":"role","prefix":""}`)),
		jwtConfig(idpC, `["one"]`, obj("username", `{"expression":"claims.user.name + '@' + claims.realm"}`, "groups", `{"expression":"claims.groups + claims[\"more-groups\"]"}`,
			"uid", `{"expression":"claims.uid"}`, "extra", `[{"key":"example.org/one","valueExpression":"claims.one"},{"key":"example.org/two","valueExpression":"'x' + claims.two"}]`)),
		jwtConfig("https://groups.example.com", `["one"]`, obj("username", `{"expression":"claims.sub"}`, "groups", `{"expression":"claims.groups"}`)),
		jwtConfig(google, `["one"]`, obj("username", `{"claim":"sub","prefix":""}`)),
	}
	keys := map[string]string{
		idpA:                         set(jwkOf("rsa1", "k1", ""), jwkOf("ec256", "k2", ""), jwkOf("ec384", "k3", ""), jwkOf("ec521", "k4", ""), jwkOf("ecother", "same", ""), jwkOf("rsa2", "same", ""), jwkOf("ed", "k5", ""), `{"kty":"oct","kid":"k6","k":"c2VjcmV0"}`, jwkOf("rsa512", "small", ""), jwkOf("rsa1024", "k1024", `,"use":"enc","alg":"RS512"`)),
		idpB:                         set(jwkOf("rsa1", "", "")),
		idpC:                         set(jwkOf("ec256", "k2", "")),
		google:                       set(jwkOf("ec256", "k2", "")),
		"https://groups.example.com": set(jwkOf("ec256", "k2", "")),
	}
	sa := []string{keyText("rsa1.pem"), keyText("rsa2.pub") + keyText("ec256.pem"), keyText("ec384.pub"), keyText("ec521.crt"), keyText("rsa1024.pem"), keyText("rsa512.pem"), keyText("ec224.pem")}
	return map[string]*Config{
		"all": {TokenFile: tokenCSV, Secrets: secrets(), Keys: sa, Issuers: []string{issuer1, issuer2}, Audiences: []string{"api", issuer1},
			Authentication: authConfig(jwts...), KeySets: keys},
		"service-accounts": {Keys: sa, Issuers: []string{issuer1, issuer2}},
		"legacy-issuer":    {Keys: sa, Issuers: []string{"kubernetes/serviceaccount", issuer1}, Audiences: []string{"api"}},
		"oidc":             {Authentication: authConfig(jwts...), KeySets: keys},
		"files":            {TokenFile: tokenCSV, Secrets: secrets()},
	}
}

func account(ns, name, uid string) string { return obj("name", q(name), "uid", q(uid)) }

func bound(changes ...string) []string {
	return with([]string{
		"aud", `["api"]`, "exp", fmt.Sprint(T + 3600), "iat", fmt.Sprint(T - 10), "iss", q(issuer1), "jti", `"0b6c5a44-1d7c-4a09-9a3a-d1f3a7a1b6c1"`,
		"kubernetes.io", obj("namespace", `"team"`, "serviceaccount", account("team", "builder", "uid-builder")),
		"nbf", fmt.Sprint(T - 10), "sub", `"system:serviceaccount:team:builder"`}, changes...)
}

func kube(members ...string) string {
	return obj(with([]string{"namespace", `"team"`, "serviceaccount", account("team", "builder", "uid-builder")}, members...)...)
}

func ref(name string) string { return obj("name", q(name), "uid", q("uid-"+name)) }

func legacy(changes ...string) []string {
	p := "kubernetes.io/serviceaccount/"
	return with([]string{"iss", `"kubernetes/serviceaccount"`, p + "namespace", `"team"`, p + "secret.name", `"builder-token"`, p + "service-account.name", `"builder"`,
		p + "service-account.uid", `"uid-builder"`, "sub", `"system:serviceaccount:team:builder"`}, changes...)
}

func idToken(issuer string, changes ...string) []string {
	return with([]string{"iss", q(issuer), "sub", `"s-1"`, "aud", `"one"`, "exp", fmt.Sprint(T + 300), "iat", fmt.Sprint(T), "hd", `"example.com"`, "tier", `""`, "uid", `"u-9"`}, changes...)
}

func celToken(changes ...string) []string {
	return idToken(idpC, append([]string{"user", `{"name":"frank"}`, "realm", `"realm"`, "groups", `["a","","b"]`, "more-groups", `["c"]`, "one", `"1"`, "two", `"2"`}, changes...)...)
}

type builder struct{ cases []Case }

func (b *builder) add(id, config, token string) {
	b.cases = append(b.cases, Case{ID: id, Config: config, Token: token, Now: T})
}

func (b *builder) at(id, config, token string, now int64) {
	b.cases = append(b.cases, Case{ID: id, Config: config, Token: token, Now: now})
}

var times = map[string]string{
	"float": fmt.Sprintf("%d.9", T+5), "exponent": "1.9e9", "big-exponent": "1e400", "tiny": "1e-400", "minus-tiny": "-1e-400", "negative": "-1", "zero": "0", "minus-zero": "-0",
	"max": "9223372036854775807", "over": "9223372036854775808", "huge": "123456789012345678901234567890", "near-max": "9223372036854774784", "max-wrap": "9223371974719179007",
	"min": "-9223372036854775808", "under": "-1e300", "string": fmt.Sprintf(`"%d"`, T+60), "string-float": `"1.95e9"`, "string-word": `"soon"`, "string-empty": `""`, "string-space": `" 1900000060"`,
	"null": "null", "true": "true", "list": "[1900000060]", "object": "{}", "year-9999": "253402300800", "string-plus": `"+5"`, "string-hex": `"0x10"`, "string-zeros": `"01900000060"`, "string-inf": `"Infinity"`,
}

var audiences = map[string]string{
	"string": `"api"`, "two": `["x","api"]`, "none": `[]`, "wrong": `["x"]`, "null": "null", "null-in": `[null]`, "number": "5", "mixed": `["api",5]`, "object": `{"api":1}`, "empty": `""`,
	"empty-in": `["","api"]`, "case": `["API"]`, "issuer": q(issuer1), "list-null": `["api",null]`, "nested": `[["api"]]`, "one": `"one"`, "one-two": `["zero","two"]`, "null-one": `[null,"one"]`,
}

func (b *builder) serviceAccounts() {
	c := "all"
	for _, key := range []string{"rsa1", "rsa2", "ec256", "ec384", "ec521", "rsa1024", "rsa512", "ec224", "ecother", "ed"} {
		for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "HS256", "none"} {
			if strings.HasPrefix(alg, "PS") && key == "rsa512" {
				continue
			}
			b.add("sa/alg/"+key+"/"+alg, c, sign(obj(bound()...), alg, key))
			b.add("sa/alg-no-kid/"+key+"/"+alg, c, jwt(header(alg, ""), obj(bound()...), alg, key))
		}
	}
	p := obj(bound()...)
	pub := keyText("rsa2.pub")
	b.add("sa/hs-with-public-key", c, jwt(header("HS256", kid("rsa2")), p, "HS256", pub))
	b.add("sa/hs-with-public-key-no-kid", c, jwt(header("HS256", ""), p, "HS256", pub))
	b.add("sa/hs-trimmed", c, jwt(header("HS512", ""), p, "HS512", strings.TrimSpace(pub)))
	for _, alg := range []string{"none", "None", "NONE", "", "rs256", "RS256 ", "RS1", "RSA"} {
		b.add("sa/alg-word/"+alg, c, jwt(header(alg, ""), p, "none", ""))
		input := b64(header(alg, "")) + "." + b64(p)
		b.add("sa/alg-word-signed/"+alg, c, input+"."+b64(signInput("RS256", "rsa1", input)))
	}
	b.add("sa/alg-says-other", c, jwt(header("RS384", kid("rsa1")), p, "RS256", "rsa1"))
	b.add("sa/kid-of-another-key", c, jwt(header("RS256", kid("rsa2")), p, "RS256", "rsa1"))
	b.add("sa/kid-unknown", c, jwt(header("RS256", "nobody"), p, "RS256", "rsa1"))
	b.add("sa/kid-empty", c, jwt(`{"alg":"RS256","kid":""}`, p, "RS256", "rsa1"))
	good := sign(p, "RS256", "rsa1")
	b.headers(c, "sa", p)
	b.mangled(c, "sa", good)
	for name, value := range times {
		for _, claim := range []string{"exp", "nbf", "iat"} {
			b.add("sa/"+claim+"/"+name, c, sign(obj(bound(claim, value)...), "ES256", "ec256"))
		}
		b.add("sa/warnafter/"+name, c, sign(obj(bound("kubernetes.io", kube("warnafter", value))...), "ES256", "ec256"))
		b.add("legacy/exp/"+name, c, sign(obj(legacy("exp", value)...), "ES256", "ec256"))
	}
	for d := int64(-2); d <= 2; d++ {
		b.at(fmt.Sprintf("sa/exp-leeway/%d", d), c, good, T+3600+60+d)
		b.at(fmt.Sprintf("sa/nbf-leeway/%d", d), c, good, T-10-60+d)
		b.add(fmt.Sprintf("sa/iat-leeway/%d", d), c, sign(obj(bound("iat", fmt.Sprint(T+60+d))...), "ES256", "ec256"))
	}
	for _, claim := range []string{"exp", "nbf", "iat", "aud", "sub", "jti", "iss", "kubernetes.io"} {
		b.add("sa/without/"+claim, c, sign(obj(bound(claim, "")...), "ES256", "ec256"))
		b.add("sa/without-here/"+claim, "service-accounts", sign(obj(bound(claim, "")...), "ES256", "ec256"))
	}
	for name, value := range audiences {
		b.add("sa/aud/"+name, c, sign(obj(bound("aud", value)...), "ES256", "ec256"))
		b.add("sa/aud-default/"+name, "service-accounts", sign(obj(bound("aud", value)...), "ES256", "ec256"))
		b.add("legacy/aud/"+name, c, sign(obj(legacy("aud", value)...), "ES256", "ec256"))
	}
	for _, value := range []string{"5", "null", "true", "[]", "{}", `""`, `"x"`, `"a/b"`, `"\ud800"`, `"ü"`} {
		for _, claim := range []string{"iss", "sub", "jti"} {
			b.add("sa/type/"+claim+"/"+value, c, sign(obj(bound(claim, value)...), "ES256", "ec256"))
		}
		b.add("sa/type/kubernetes.io/"+value, c, sign(obj(bound("kubernetes.io", value)...), "ES256", "ec256"))
		for _, field := range []string{"namespace", "serviceaccount", "pod", "secret", "node", "other"} {
			b.add("sa/type/kubernetes.io."+field+"/"+value, c, sign(obj(bound("kubernetes.io", kube(field, value))...), "ES256", "ec256"))
		}
		for _, field := range []string{"name", "uid", "extra"} {
			b.add("sa/type/pod."+field+"/"+value, c, sign(obj(bound("kubernetes.io", kube("pod", obj(with([]string{"name", `"p"`, "uid", `"uid-p"`}, field, value)...)))...), "ES256", "ec256"))
		}
		p := "kubernetes.io/serviceaccount/"
		for _, claim := range []string{"iss", "sub", p + "namespace", p + "secret.name", p + "service-account.name", p + "service-account.uid"} {
			b.add("legacy/type/"+claim+"/"+value, c, sign(obj(legacy(claim, value)...), "ES256", "ec256"))
		}
	}
	for id, k := range map[string]string{
		"pod": kube("pod", ref("p")), "pod-node": kube("pod", ref("p"), "node", ref("n")), "node": kube("node", ref("n")), "secret": kube("secret", ref("s")),
		"pod-node-without-uid": kube("pod", ref("p"), "node", `{"name":"n"}`), "pod-node-without-name": kube("pod", ref("p"), "node", `{"uid":"u"}`), "secret-and-pod": kube("secret", ref("s"), "pod", ref("p")),
		"gone-account": kube("serviceaccount", ref("gone")), "gone-pod": kube("pod", ref("gone")), "gone-node": kube("node", ref("gone")), "gone-secret": kube("secret", ref("gone")),
		"other-uid": kube("serviceaccount", `{"name":"builder","uid":"x"}`), "pod-empty": kube("pod", "{}"), "node-empty": kube("node", "{}"), "pod-no-uid": kube("pod", `{"name":"p"}`),
		"case": `{"Namespace":"team","serviceaccount":{"name":"builder","uid":"uid-builder"}}`, "dup-namespace": `{"namespace":"team","namespace":"kube-system","serviceaccount":{"name":"builder","uid":"uid-builder"}}`,
		"dup-in-ref": `{"namespace":"team","serviceaccount":{"name":"builder","name":"admin","uid":"uid-builder"}}`, "dup-in-unknown": kube("other", `{"a":1,"a":2}`), "unknown-number": kube("other", "1e999"),
		"unicode-account": kube("serviceaccount", `{"name":"bü","uid":"uid-bü"}`), "name-with-colon": kube("serviceaccount", `{"name":"a:b","uid":"uid-a:b"}`), "namespace-with-dot": kube("namespace", `"a.b"`),
	} {
		b.add("sa/bound/"+id, c, sign(obj(bound("kubernetes.io", k)...), "ES256", "ec256"))
	}
	for id, l := range map[string][]string{
		"good": legacy(), "sub-other": legacy("sub", `"system:serviceaccount:team:admin"`), "sub-bad": legacy("sub", `"builder"`), "sub-three": legacy("sub", `"system:serviceaccount:team:builder:x"`),
		"upper": legacy("sub", `"system:serviceaccount:Team:builder"`, "kubernetes.io/serviceaccount/namespace", `"Team"`), "long-namespace": legacy("sub", q("system:serviceaccount:"+strings.Repeat("a", 64)+":builder"), "kubernetes.io/serviceaccount/namespace", q(strings.Repeat("a", 64))),
		"dotted-name": legacy("sub", `"system:serviceaccount:team:a.b"`, "kubernetes.io/serviceaccount/service-account.name", `"a.b"`), "expired": legacy("exp", "5"), "future": legacy("nbf", "9999999999"),
	} {
		b.add("legacy/"+id, c, sign(obj(l...), "RS256", "rsa1"))
		b.add("legacy-alone/"+id, "service-accounts", sign(obj(l...), "RS256", "rsa1"))
		b.add("legacy-as-issuer/"+id, "legacy-issuer", sign(obj(l...), "RS256", "rsa1"))
	}
	b.add("sa/as-legacy-issuer", "legacy-issuer", sign(obj(bound("iss", `"kubernetes/serviceaccount"`)...), "RS256", "rsa1"))
	b.add("sa/second-issuer", c, sign(obj(bound("iss", q(issuer2))...), "RS256", "rsa1"))
	b.add("sa/other-issuer", c, sign(obj(bound("iss", `"https://other"`)...), "RS256", "rsa1"))
	b.add("sa/issuer-with-slash", c, sign(obj(bound("iss", q(issuer1+"/"))...), "RS256", "rsa1"))
	raw := strings.TrimSuffix(obj(bound()...), "}")
	for id, p := range map[string]string{
		"iss-twice": raw + `,"iss":` + q(issuer1) + "}", "aud-twice": raw + `,"aud":"api"}`, "ISS": raw + `,"ISS":"https://other"}`, "ISS-null": raw + `,"ISS":null}`, "long-s": raw + `,"iſſ":"x"}`,
		"upper-only": strings.Replace(obj(bound()...), `"iss"`, `"Iss"`, 1), "EXP": raw + `,"EXP":5}`, "unknown-dup": raw + `,"x":1,"x":2}`, "unknown-deep-dup": raw + `,"x":{"a":1,"a":1}}`,
		"unknown-number": raw + `,"x":1e999}`, "space-around": " \n" + raw + "}\t", "trailing": raw + "}x", "nul": raw + ",\"x\":\"\x00\"}", "bad-utf8": raw + ",\"x\":\"\xff\"}", "bad-utf8-key": raw + ",\"\xff\":1}",
		"deep-ok": raw + `,"x":` + strings.Repeat("[", 9998) + strings.Repeat("]", 9998) + "}", "deep-limit": raw + `,"x":` + strings.Repeat("[", 9999) + strings.Repeat("]", 9999) + "}",
		"deep": raw + `,"x":` + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + "}", "deep-objects": raw + `,"x":` + strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000) + "}",
		"array": "[" + raw + "}]", "null": "null", "empty": "", "string": `"x"`, "number": "5", "comment": raw + "/**/}", "comma": raw + ",}", "single": strings.ReplaceAll(raw, `"`, "'") + "}",
		"escape-iss": strings.Replace(obj(bound()...), `"iss"`, `"\u0069ss"`, 1), "plus": raw + `,"x":+1}`, "leading-zero": raw + `,"x":01}`, "dot": raw + `,"x":1.}`, "minus": raw + `,"x":-}`, "exp-bare": raw + `,"x":1e}`,
		"bom": "\ufeff" + raw + "}", "nan": raw + `,"x":NaN}`, "escape-bad": raw + `,"x":"\x"}`, "escape-u": raw + `,"x":"\u12g4"}`, "surrogate": raw + `,"x":"\ud83d\ude00"}`, "del": raw + ",\"x\":\"\x7f\"}", "tab-in": raw + ",\"x\":\"\t\"}",
	} {
		b.add("sa/json/"+id, c, sign(p, "ES256", "ec256"))
	}
}

func (b *builder) headers(config, kind, payload string) {
	k := kid("ec256")
	if kind == "oidc" {
		k = "k2"
	}
	cert := strings.Split(keyText("ec521.crt"), "\n")
	x5c := strings.Join(cert[1:len(cert)-2], "")
	for id, h := range map[string]string{
		"typ": `{"alg":"ES256","typ":"JWT"}`, "typ-other": `{"alg":"ES256","typ":"JOSE+x"}`, "typ-number": `{"alg":"ES256","typ":5}`, "cty": `{"alg":"ES256","cty":"JWT"}`, "crit-empty": `{"alg":"ES256","crit":[]}`,
		"crit-b64": `{"alg":"ES256","crit":["b64"]}`, "crit-b64-true": `{"alg":"ES256","crit":["b64"],"b64":true}`, "crit-exp": `{"alg":"ES256","crit":["exp"],"exp":1}`, "crit-both": `{"alg":"ES256","crit":["b64","exp"]}`,
		"crit-null": `{"alg":"ES256","crit":null}`, "crit-null-in": `{"alg":"ES256","crit":[null]}`, "crit-string": `{"alg":"ES256","crit":"b64"}`, "crit-number": `{"alg":"ES256","crit":5}`, "crit-object": `{"alg":"ES256","crit":{}}`,
		"b64-false": `{"alg":"ES256","b64":false}`, "b64-string": `{"alg":"ES256","b64":"false"}`, "b64-null": `{"alg":"ES256","b64":null}`, "jku": `{"alg":"ES256","jku":"https://evil.example.com/keys"}`, "x5u": `{"alg":"ES256","x5u":"https://evil.example.com/c"}`,
		"jwk-own": `{"alg":"ES256","jwk":` + jwkOf("ec256", "", "") + `}`, "jwk-other": `{"alg":"ES256","jwk":` + jwkOf("ecother", "", "") + `}`, "jwk-rsa": `{"alg":"ES256","jwk":` + jwkOf("rsa2", "", "") + `}`, "jwk-ed": `{"alg":"ES256","jwk":` + jwkOf("ed", "", "") + `}`,
		"jwk-oct": `{"alg":"ES256","jwk":{"kty":"oct","k":"AA"}}`, "jwk-private": `{"alg":"ES256","jwk":` + jwkOf("ec256", "", `,"d":`+q(b64(strings.Repeat("a", 32)))) + `}`, "jwk-bad": `{"alg":"ES256","jwk":{"kty":"EC"}}`, "jwk-null": `{"alg":"ES256","jwk":null}`,
		"jwk-string": `{"alg":"ES256","jwk":"x"}`, "jwk-off-curve": `{"alg":"ES256","jwk":{"kty":"EC","crv":"P-256","x":` + q(b64(strings.Repeat("a", 32))) + `,"y":` + q(b64(strings.Repeat("b", 32))) + `}}`, "jwk-dup": `{"alg":"ES256","jwk":{"kty":"oct","kty":"EC"}}`,
		"jwk-e0": `{"alg":"ES256","jwk":{"kty":"RSA","n":"AQAB","e":"AA"}}`, "jwk-small": `{"alg":"ES256","jwk":{"kty":"RSA","n":"AQAB","e":"AQAB"}}`, "jwk-e-empty": `{"alg":"ES256","jwk":{"kty":"RSA","n":"AQAB","e":""}}`, "jwk-e-long": `{"alg":"ES256","jwk":{"kty":"RSA","n":"AQAB","e":"AQAAAAAAAAAA"}}`,
		"x5c": `{"alg":"ES256","x5c":[` + q(x5c) + `]}`, "x5c-empty": `{"alg":"ES256","x5c":[]}`, "x5c-bad": `{"alg":"ES256","x5c":["AAAA"]}`, "x5c-string": `{"alg":"ES256","x5c":` + q(x5c) + `}`, "x5c-null": `{"alg":"ES256","x5c":null}`, "x5c-null-in": `{"alg":"ES256","x5c":[null]}`,
		"nonce": `{"alg":"ES256","nonce":"n"}`, "nonce-number": `{"alg":"ES256","nonce":5}`, "kid-number": `{"alg":"ES256","kid":5}`, "kid-null": `{"alg":"ES256","kid":null}`, "kid-list": `{"alg":"ES256","kid":["` + k + `"]}`, "kid": `{"alg":"ES256","kid":` + q(k) + `}`, "kid-space": `{"alg":"ES256","kid":` + q(k+" ") + `}`,
		"alg-null": `{"alg":null}`, "alg-number": `{"alg":256}`, "alg-list": `{"alg":["ES256"]}`, "alg-twice": `{"alg":"none","alg":"ES256"}`, "ALG": `{"ALG":"none","alg":"ES256"}`, "Alg-only": `{"Alg":"ES256"}`, "extra-dup": `{"alg":"ES256","x":{"a":1,"a":2}}`, "extra-deep-dup": `{"alg":"ES256","x":[[{"a":[],"b":{"c":1,"c":1}}]]}`,
		"extra-number": `{"alg":"ES256","x":1e999}`, "extra-small-number": `{"alg":"ES256","x":1e-999}`, "extra": `{"alg":"ES256","x":{"a":{"a":1},"b":[{"a":1},{"a":2}]}}`, "null": "null", "list": "[]", "number": "5", "string": `"x"`, "empty-object": "{}", "empty": "", "space": ` {"alg":"ES256"} `, "trailing": `{"alg":"ES256"}x`,
		"enc": `{"alg":"ES256","enc":"A128GCM"}`, "zip": `{"alg":"ES256","zip":"DEF"}`, "escape": `{"\u0061lg":"ES25\u0036"}`, "bad-utf8": "{\"alg\":\"ES256\",\"x\":\"\xff\"}", "deep": `{"alg":"ES256","x":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + `}`,
	} {
		b.add(kind+"/header/"+id, config, jwt(h, payload, "ES256", "ec256"))
	}
	raw := b64(`{"alg":"ES256","b64":false}`) + "." + payload
	b.add(kind+"/header/b64-false-signed-raw", config, b64(`{"alg":"ES256","b64":false}`)+"."+b64(payload)+"."+b64(signInput("ES256", "ec256", raw)))
}

func (b *builder) mangled(config, kind, good string) {
	parts := strings.Split(good, ".")
	h, p, s := parts[0], parts[1], parts[2]
	spare := func(text string) string { // other bits beyond the last byte
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		last := strings.IndexByte(alphabet, text[len(text)-1])
		return text[:len(text)-1] + string(alphabet[last^1])
	}
	for id, token := range map[string]string{
		"as-is": good, "two-parts": h + "." + p, "no-signature": h + "." + p + ".", "four-parts": good + ".x", "five-parts": good + ".x.y", "padded": h + "=." + p + "." + s, "padded-signature": h + "." + p + "." + s + "==", "leading-space": " " + good, "trailing-space": good + " ",
		"inner-space-header": h[:4] + " " + h[4:] + "." + p + "." + s, "inner-space-payload": h + "." + p[:4] + " " + p[4:] + "." + s, "inner-space-signature": h + "." + p + "." + s[:4] + " " + s[4:], "newline-payload": h + "." + p[:4] + "\n" + p[4:] + "." + s, "cr-payload": h + "." + p[:4] + "\r\n" + p[4:] + "." + s,
		"nbsp": h + "." + p + "." + s[:4] + "\u00a0" + s[4:], "ideographic-space": h + "\u3000." + p + "." + s, "nel": h + "." + p + "." + s + "\u0085", "zero-width": h + "." + p + "." + s + "\u200b", "plus": strings.ReplaceAll(good, "-", "+"), "slash": strings.ReplaceAll(good, "_", "/"),
		"spare-header": spare(h) + "." + p + "." + s, "spare-payload": h + "." + spare(p) + "." + s, "spare-signature": h + "." + p + "." + spare(s), "brace": "{" + good, "json": `{"payload":"` + p + `","protected":"` + h + `","signature":"` + s + `"}`, "space-brace": " {" + good, "dots": "..", "dot": ".", "empty-parts": "." + p + ".", "only-header": h,
		"flipped-signature": h + "." + p + "." + flip(s, 10), "flipped-payload": h + "." + flip(p, 10) + "." + s, "other-payload": h + "." + b64(`{"iss":"`+issuer1+`"}`) + "." + s, "long-signature": h + "." + p + "." + s + "AAAA", "short-signature": h + "." + p + "." + s[:len(s)-4], "nul": good + "\x00", "bad-utf8": good + "\xff", "tab": h + "\t." + p + "." + s,
		"one-char-part": h + "." + p + "." + s + "A", "upper": strings.ToUpper(good),
	} {
		b.add(kind+"/form/"+id, config, token)
	}
}

func flip(s string, at int) string {
	c := byte('A')
	if s[at] == 'A' {
		c = 'B'
	}
	return s[:at] + string(c) + s[at+1:]
}

func es(payload string) string { return jwt(header("ES256", "k2"), payload, "ES256", "ec256") }

func (b *builder) oidc() {
	for _, c := range []string{"all", "oidc"} {
		b.add("oidc/good/"+c, c, es(obj(idToken(idpA, "groups", `["x","y"]`, "jti", `"id-1"`)...)))
	}
	c := "oidc"
	p := obj(idToken(idpA)...)
	for key, keyID := range map[string]string{"rsa1": "k1", "ec256": "k2", "ec384": "k3", "ec521": "k4", "ecother": "same", "rsa2": "same", "ed": "k5", "rsa512": "small", "rsa1024": "k1024"} {
		for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "HS256", "none"} {
			if strings.HasPrefix(alg, "PS") && key == "rsa512" {
				continue
			}
			b.add("oidc/alg/"+key+"/"+alg, c, jwt(header(alg, keyID), p, alg, key))
			b.add("oidc/alg-no-kid/"+key+"/"+alg, c, jwt(header(alg, ""), p, alg, key))
		}
	}
	b.add("oidc/hs-with-oct", c, jwt(header("HS256", "k6"), p, "HS256", "secret"))
	b.add("oidc/kid-unknown", c, jwt(header("ES256", "zz"), p, "ES256", "ec256"))
	b.add("oidc/key-set-without-kid", c, jwt(header("RS256", ""), obj(idToken(idpB, "email", `"e@x"`)...), "RS256", "rsa1"))
	b.add("oidc/key-set-without-kid-but-token", c, jwt(header("RS256", "k"), obj(idToken(idpB, "email", `"e@x"`)...), "RS256", "rsa1"))
	b.headers(c, "oidc", p)
	b.mangled(c, "oidc", es(p))
	for name, value := range times {
		for _, claim := range []string{"exp", "nbf", "iat"} {
			b.add("oidc/"+claim+"/"+name, c, es(obj(idToken(idpA, claim, value)...)))
		}
	}
	for d := int64(-2); d <= 2; d++ {
		b.at(fmt.Sprintf("oidc/exp-edge/%d", d), c, es(p), T+300+d)
		b.add(fmt.Sprintf("oidc/nbf-leeway/%d", d), c, es(obj(idToken(idpA, "nbf", fmt.Sprint(T+60+d))...)))
	}
	for name, value := range audiences {
		b.add("oidc/aud/"+name, c, es(obj(idToken(idpA, "aud", value)...)))
		b.add("oidc/aud-one/"+name, c, es(obj(idToken(idpB, "aud", value, "email", `"e@x"`)...)))
	}
	for _, claim := range []string{"iss", "sub", "aud", "exp", "iat", "hd", "tier", "uid"} {
		b.add("oidc/without/"+claim, c, es(obj(idToken(idpA, claim, "")...)))
	}
	values := []string{"5", "null", "true", "false", "[]", "{}", `""`, `"x"`, `["a","b"]`, `["a",null]`, `["a",5]`, `[""]`, `"ü"`, `"\ud800"`, `"a,b"`, `"true"`, `["a",["b"]]`, `1e999`, `"system:masters"`, `["system:masters"]`}
	for _, value := range values {
		for _, claim := range []string{"iss", "sub", "hd", "tier", "uid", "groups", "jti", "nonce", "at_hash", "_claim_names", "_claim_sources", "x"} {
			b.add("oidc/type/"+claim+"/"+value, c, es(obj(idToken(idpA, claim, value)...)))
		}
		for _, claim := range []string{"email", "email_verified", "role"} {
			b.add("oidc/email/"+claim+"/"+value, c, jwt(header("RS256", ""), obj(idToken(idpB, append([]string{"email", `"e@x"`}, claim, value)...)...), "RS256", "rsa1"))
		}
		for _, claim := range []string{"user", "realm", "groups", "more-groups", "uid", "one", "two"} {
			b.add("oidc/cel/"+claim+"/"+value, c, es(obj(celToken(claim, value)...)))
		}
		b.add("oidc/cel/user.name/"+value, c, es(obj(celToken("user", `{"name":`+value+`}`)...)))
		b.add("oidc/cel-groups/"+value, c, es(obj(idToken("https://groups.example.com", "groups", value)...)))
		b.add("oidc/cel-sub/"+value, c, es(obj(idToken("https://groups.example.com", "groups", "[]", "sub", value)...)))
	}
	for id, claims := range map[string][]string{
		"good": celToken(), "strings": celToken("groups", `"a"`, "more-groups", `"b"`), "string-list": celToken("groups", `"a"`), "numbers": celToken("groups", "1", "more-groups", "2"), "number-deep": celToken("user", `{"name":"frank","x":1e999}`),
		"dup-deep": celToken("user", `{"name":"a","name":"b"}`), "case-deep": celToken("user", `{"Name":"a"}`), "without-two": celToken("two", ""), "without-groups": celToken("groups", ""), "jti": celToken("jti", `"j"`),
	} {
		b.add("oidc/cel-more/"+id, c, es(obj(claims...)))
	}
	for id, claims := range map[string][]string{
		"google": idToken(google), "google-bare": idToken("accounts.google.com"), "google-slash": idToken(google + "/"), "other": idToken("https://other"), "a-slash": idToken(idpA + "/"), "b-bare": idToken("https://idp.example.com/b"), "case": idToken("https://IDP.example.com/a"),
	} {
		b.add("oidc/issuer/"+id, c, es(obj(claims...)))
	}
	names, sources := `{"groups":"src"}`, `{"src":{"endpoint":"https://claims.example.com","access_token":"t"}}`
	for id, claims := range map[string][]string{
		"endpoint-and-groups": idToken(idpA, "_claim_names", names, "_claim_sources", sources, "groups", `["x"]`), "aggregated": idToken(idpA, "_claim_names", names, "_claim_sources", `{"src":{"JWT":"x"}}`),
		"other-claim": idToken(idpA, "_claim_names", `{"other":"src"}`, "_claim_sources", sources), "no-source": idToken(idpA, "_claim_names", names, "_claim_sources", `{}`), "no-sources": idToken(idpA, "_claim_names", names),
		"empty-source": idToken(idpA, "_claim_names", `{"groups":""}`, "_claim_sources", `{"":{}}`), "source-null": idToken(idpA, "_claim_names", names, "_claim_sources", `{"src":null}`), "jwt-number": idToken(idpA, "_claim_names", names, "_claim_sources", `{"src":{"JWT":5}}`),
		"names-only-null": idToken(idpA, "_claim_names", "null"), "endpoint-number": idToken(idpA, "_claim_names", names, "_claim_sources", `{"src":{"endpoint":5}}`), "name-null": idToken(idpA, "_claim_names", `{"groups":null}`), "other-issuer": jwtless(idpB),
	} {
		b.add("oidc/distributed/"+id, c, es(obj(claims...)))
	}
	raw := strings.TrimSuffix(p, "}")
	for id, payload := range map[string]string{
		"sub-twice": raw + `,"sub":"s-2"}`, "SUB": raw + `,"SUB":5}`, "SUB-string": raw + `,"SUB":"s-2"}`, "exp-twice": raw + `,"exp":5}`, "EXP": raw + `,"EXP":5}`, "aud-twice": raw + `,"AUD":"x"}`, "iss-twice": raw + `,"iss":"x"}`, "ISS": raw + `,"ISS":"x"}`, "ISS-back": strings.Replace(raw, `"iss"`, `"ISS":"x","iss"`, 1) + "}",
		"long-s": raw + `,"ſub":5}`, "kelvin": raw + `,"nonce":"K","xK":1}`, "groups-twice": raw + `,"groups":["a"],"groups":["b"]}`, "GROUPS": raw + `,"GROUPS":["a"]}`, "bad-utf8": raw + ",\"groups\":[\"\xff\"]}", "deep": raw + `,"x":` + strings.Repeat("[", 9999) + strings.Repeat("]", 9999) + "}", "deeper": raw + `,"x":` + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + "}",
		"nbf-twice": raw + `,"nbf":9999999999,"nbf":null}`, "names-merge": raw + `,"_claim_names":{"a":"s"},"_CLAIM_NAMES":{"b":"s"},"_claim_sources":{"s":{}}}`, "big-number": raw + `,"x":123456789012345678901234567890}`, "surrogates": raw + `,"groups":["\ud83d\ude00","\ud83d","\ude00\ud83d"]}`, "escaped": raw + `,"group\u0073":["a\/b\n"]}`,
	} {
		b.add("oidc/json/"+id, c, es(payload))
	}
}

func jwtless(issuer string) []string { return idToken(issuer, "_claim_names", `{"role":"s"}`) }

func (b *builder) files() {
	for _, c := range []string{"files", "all"} {
		for _, token := range []string{
			"secret-token", "plain", `quo"ted`, "empty-groups", "dup", "extra", "ünï", "", "nobody", "Secret-token", "secret-token ", "secret-toke", "secret-tokens", "abcdef.0123456789abcdef", "groups.0123456789abcdef", "badgrp.0123456789abcdef",
			"grpend.0123456789abcdef", "grpdsh.0123456789abcdef", "grplen.0123456789abcdef", "grplon.0123456789abcdef", "grpbar.0123456789abcdef", "grpspc.0123456789abcdef", "expird.0123456789abcdef", "future.0123456789abcdef", "badexp.0123456789abcdef", "expemp.0123456789abcdef",
			"nouse1.0123456789abcdef", "nouse2.0123456789abcdef", "usage2.0123456789abcdef", "wrgid1.0123456789abcdef", "nosec1.0123456789abcdef", "shrtsc.0123456789abcde", "shrtsc.0123456789abcdef", "typ001.0123456789abcdef", "nsp001.0123456789abcdef", "del001.0123456789abcdef",
			"namexx.0123456789abcdef", "UPPER1.0123456789abcdef", "string.0123456789abcdef", "groups.0123456789abcdee", "groups.0123456789ABCDEF", "groups.0123456789abcdef\n", "groups.0123456789abcdeg0", "groupsx.0123456789abcdef", "groups:0123456789abcdef", "nobody.0123456789abcdef",
		} {
			b.add("file/"+c+"/"+token, c, token)
		}
	}
}

func curatedCases() []Case {
	b := &builder{}
	b.serviceAccounts()
	b.oidc()
	b.files()
	sortCases(b.cases)
	return b.cases
}
