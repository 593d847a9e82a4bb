// SPDX-License-Identifier: Apache-2.0

// headerrequest: what the real request-header (front proxy) authenticator makes of header lines, and how the real
// client side (client-go's auth proxy round tripper, as kube-aggregator uses it) writes them.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"sort"
	"strings"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/group"
	"k8s.io/apiserver/pkg/authentication/request/headerrequest"
	k8sx509 "k8s.io/apiserver/pkg/authentication/request/x509"
	"k8s.io/client-go/transport"
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
	ID     string   `json:"id"`
	What   string   `json:"what,omitempty"`
	Config *Config  `json:"config,omitempty"`
	Lines  []string `json:"headers"` // raw header lines as sent over HTTP/1.1
	HTTP   int      `json:"http,omitempty"`
	Result string   `json:"result,omitempty"`
	Error  string   `json:"error,omitempty"`
	User   *User    `json:"user,omitempty"`
	// ServerGroups are the groups after AuthenticatedGroupAdder.
	ServerGroups []string `json:"serverGroups,omitempty"`
	// Left: which of the header names the authenticator leaves on the request.
	Left []string `json:"headersLeft,omitempty"`
	// AmbiguousOrder: two header names map to one extra key; Go's map order decides which values come first.
	AmbiguousOrder bool `json:"ambiguousOrder,omitempty"`
}

type Config struct {
	User   []string `json:"usernameHeaders"`
	UID    []string `json:"uidHeaders"`
	Group  []string `json:"groupHeaders"`
	Extra  []string `json:"extraHeaderPrefixes"`
	CN     string   `json:"proxyCN,omitempty"`
	Allow  []string `json:"allowedNames,omitempty"`
	NoCert bool     `json:"noClientCert,omitempty"`
	BadCA  bool     `json:"certFromOtherCA,omitempty"`
}

type Enc struct {
	User  User     `json:"user"`
	Lines []string `json:"headers"`
}

var std = Config{User: []string{"X-Remote-User"}, UID: []string{"X-Remote-Uid"}, Group: []string{"X-Remote-Group"}, Extra: []string{"X-Remote-Extra-"}}

var cases []*Case
var cur *Case
var ca, other *Cert

func handler(w http.ResponseWriter, req *http.Request) {
	c := cur
	cfg := std
	if c.Config != nil {
		cfg = *c.Config
	}
	if !cfg.NoCert {
		p := ca
		if cfg.BadCA {
			p = other
		}
		cn := cfg.CN
		if cn == "" {
			cn = "front-proxy-client"
		}
		req.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{Issue("proxy", "", p, DN(CN(cn)), nil).X}}
	}
	o := k8sx509.DefaultVerifyOptions()
	o.Roots, o.CurrentTime = x509.NewCertPool(), Now
	o.Roots.AddCert(ca.X)
	sl := func(x []string) headerrequest.StaticStringSlice { return headerrequest.StaticStringSlice(x) }
	mk := func() authenticator.Request {
		return headerrequest.NewDynamicVerifyOptionsSecure(k8sx509.StaticVerifierFn(o), sl(cfg.Allow), sl(cfg.User), sl(cfg.UID), sl(cfg.Group), sl(cfg.Extra))
	}
	req2 := req.Clone(req.Context())
	seen := map[string]int{}
	for k := range req.Header {
		for _, p := range cfg.Extra {
			if len(k) >= len(p) && strings.EqualFold(k[:len(p)], p) {
				seen[strings.ToLower(k[len(p):])]++
			}
		}
	}
	r, ok, err := mk().AuthenticateRequest(req)
	switch {
	case err != nil:
		c.Result, c.Error = "error", err.Error()
	case !ok:
		c.Result = "none"
	default:
		c.Result = "user"
		c.User = &User{r.User.GetName(), r.User.GetUID(), r.User.GetGroups(), r.User.GetExtra()}
		for k := range req.Header {
			if strings.HasPrefix(k, "X-") {
				c.Left = append(c.Left, k)
			}
		}
		sort.Strings(c.Left)
		// more header names than extra keys: their values meet in map order
		n := 0
		for range seen {
			n++
		}
		tot := 0
		for _, v := range seen {
			tot += v
		}
		c.AmbiguousOrder = tot > len(c.User.Extra)
		r2, _, _ := group.NewAuthenticatedGroupAdder(mk()).AuthenticateRequest(req2)
		c.ServerGroups = r2.User.GetGroups()
	}
	w.WriteHeader(204)
}

func main() {
	o := Parse(400)
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	ca = Issue("front-ca", "", nil, DN(CN("front-ca")), CA)
	other = Issue("other-ca", "", nil, DN(CN("other-ca")), CA)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	Must(err)
	go (&http.Server{Handler: http.HandlerFunc(handler)}).Serve(ln)
	do := func(id, what string, cfg *Config, lines ...string) {
		c := &Case{ID: fmt.Sprintf("%s%03d", id, len(cases)), What: what, Config: cfg, Lines: lines}
		cases = append(cases, c)
		cur = c
		conn, err := net.Dial("tcp", ln.Addr().String())
		Must(err)
		defer conn.Close()
		fmt.Fprintf(conn, "GET /api HTTP/1.1\r\nHost: k8s\r\n")
		for _, l := range lines {
			fmt.Fprintf(conn, "%s\r\n", l)
		}
		fmt.Fprintf(conn, "\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		Must(err)
		if resp.StatusCode != 204 {
			c.HTTP = resp.StatusCode
		}
	}
	c := func(what string, lines ...string) { do("c", what, nil, lines...) }
	U := "X-Remote-User: alice"
	c("user", U)
	c("no user", "X-Remote-Group: a")
	c("empty user", "X-Remote-User:", "X-Remote-Group: a")
	c("user of spaces", "X-Remote-User:   ")
	c("first user empty, second not", "X-Remote-User:", "X-Remote-User: bob")
	c("two users", U, "X-Remote-User: bob")
	c("inner and outer spaces", "X-Remote-User:  \t a  b \t ")
	c("lower case", "x-remote-user: alice", "x-remote-group: g", "x-remote-uid: 1", "x-remote-extra-foo: v")
	c("upper case", "X-REMOTE-USER: alice", "X-REMOTE-GROUP: g", "X-REMOTE-UID: 1", "X-REMOTE-EXTRA-FOO: v")
	c("groups in order, repeats kept", U, "X-Remote-Group: z", "X-Remote-Group: a", "X-Remote-Group: z")
	c("group with a comma", U, "X-Remote-Group: a, b")
	c("empty groups are dropped", U, "X-Remote-Group:", "X-Remote-Group: a", "X-Remote-Group:  ")
	c("system:masters", U, "X-Remote-Group: system:masters")
	c("system:authenticated given", U, "X-Remote-Group: system:authenticated")
	c("system:unauthenticated given", U, "X-Remote-Group: system:unauthenticated")
	c("anonymous", "X-Remote-User: system:anonymous", "X-Remote-Group: g")
	c("uid", U, "X-Remote-Uid: 42")
	c("empty uid", U, "X-Remote-Uid:")
	c("two uids", U, "X-Remote-Uid: 1", "X-Remote-Uid: 2")
	c("UID spelt otherwise", U, "X-Remote-UID: 42")
	c("extra", U, "X-Remote-Extra-Scopes: a", "X-Remote-Extra-Scopes: b")
	c("extra keys become lower case", U, "X-Remote-Extra-FooBar: v")
	c("extra key percent-encoded", U, "X-Remote-Extra-Example.com%2fFoo: v", "X-Remote-Extra-A%20b: w")
	c("extra key percent-encoded upper case: lowered before it is decoded", U, "X-Remote-Extra-%41%2FB: v")
	c("extra key percent-encoded letters keep the case they decode to", U, "X-Remote-Extra-%4bey: v")
	c("extra key badly encoded", U, "X-Remote-Extra-a%zz: v", "X-Remote-Extra-b%: w", "X-Remote-Extra-c%4: x")
	c("extra key with plus", U, "X-Remote-Extra-a+b: v")
	c("extra key UTF-8", U, "X-Remote-Extra-%C3%A9: v")
	c("extra key empty", U, "X-Remote-Extra-: v")
	c("extra value empty", U, "X-Remote-Extra-A:", "X-Remote-Extra-A: x")
	c("extra, no dash after the prefix", U, "X-Remote-Extra: v")
	c("prefix as part of another name", U, "X-Remote-Extras-A: v")
	c("credential-id", U, "X-Remote-Extra-Authentication.kubernetes.io%2fCredential-Id: X509SHA256=ab")
	c("UTF-8 values", "X-Remote-User: élise", "X-Remote-Group: Müller")
	c("invalid UTF-8 values", "X-Remote-User: al\xffice")
	c("underscores in a header name are another header", "X_Remote_User: alice")
	c("control character in a value", "X-Remote-User: al\x01ice")
	c("NUL in a value", "X-Remote-User: al\x00ice")
	c("DEL in a value", "X-Remote-User: al\x7fice")
	c("TAB in a value", "X-Remote-User: al\tice")
	c("obsolete line folding", "X-Remote-User: al", " ice")
	c("space before the colon", "X-Remote-User : alice")
	c("unrelated headers stay", U, "X-Remote-Users: x", "X-Forwarded-For: 1.2.3.4")
	cfg := func(f func(*Config)) *Config { x := std; f(&x); return &x }
	two := cfg(func(x *Config) {
		x.User = []string{"X-A", "X-B"}
		x.Group = []string{"X-G1", "X-G2"}
		x.Extra = []string{"X-E1-", "X-E2-"}
		x.UID = []string{"X-U1", "X-U2"}
	})
	do("c", "two header names each", two, "X-B: second", "X-A: first", "X-G2: two", "X-G1: one", "X-E2-K: e2", "X-E1-K: e1", "X-U2: u2", "X-U1: u1")
	do("c", "only the second user name", two, "X-B: second", "X-U2: u2")
	do("c", "first user name empty", two, "X-A:", "X-B: second")
	do("c", "no uid header configured", cfg(func(x *Config) { x.UID = nil }), U, "X-Remote-Uid: 42")
	do("c", "no group header configured", cfg(func(x *Config) { x.Group = nil }), U, "X-Remote-Group: g")
	do("c", "header name configured in lower case", cfg(func(x *Config) {
		x.User = []string{"x-remote-user"}
		x.Group = []string{"x-remote-group"}
		x.Extra = []string{"x-remote-extra-"}
	}), U, "X-Remote-Group: g", "X-Remote-Extra-A: v")
	do("c", "allowed proxy name", cfg(func(x *Config) { x.Allow = []string{"a", "front-proxy-client"} }), U)
	do("c", "proxy name not allowed", cfg(func(x *Config) { x.Allow = []string{"a"} }), U)
	do("c", "proxy name differs in case", cfg(func(x *Config) { x.Allow = []string{"Front-Proxy-Client"} }), U)
	do("c", "any name when the list is empty", cfg(func(x *Config) { x.CN = "whoever" }), U)
	do("c", "no client certificate", cfg(func(x *Config) { x.NoCert = true }), U)
	do("c", "certificate of another CA", cfg(func(x *Config) { x.BadCA = true }), U)
	do("c", "certificate of another CA, no headers", cfg(func(x *Config) { x.BadCA = true }))
	r := NewR(o.Seed)
	for i := 0; i < o.N; i++ {
		var ls []string
		for k := 1 + r.Intn(6); k > 0; k-- {
			n := Pick(r, "X-Remote-User", "X-Remote-User", "X-Remote-Group", "X-Remote-Group", "X-Remote-Uid", "X-Remote-Extra-"+Pick(r, "a", "B", "scopes", "example.com%2Fx", "%41", "a%", "a%2f%2F", "x.y", "%e2%82%ac"))
			if r.P(0.3) {
				n = strings.ToLower(n)
			}
			ls = append(ls, n+":"+Pick(r, " ", "", "  ", "\t")+Pick(r, "alice", "bob", "", "a b", "system:masters", "system:authenticated", "g,h", "ü", "x;y", "\"q\"", "%41"))
		}
		do("r", "", nil, ls...)
	}
	// how the real client writes them
	var enc []*Enc
	for _, u := range []User{
		{Name: "alice", Groups: []string{"b", "a"}},
		{Name: "alice", UID: "42", Groups: []string{}},
		{Name: "alice", Extra: map[string][]string{"scopes": {"a", "b"}}},
		{Name: "alice", Extra: map[string][]string{"example.com/Foo": {"v"}}},
		{Name: "alice", Extra: map[string][]string{"authentication.kubernetes.io/credential-id": {"X509SHA256=ab"}}},
		{Name: "alice", Extra: map[string][]string{"a b%c+d:e,f(g)é_~!#$&'*-.^`|": {"v"}}},
		{Name: "alice", Extra: map[string][]string{"": {"v"}}},
		{Name: "élise", Groups: []string{"Müller"}, Extra: map[string][]string{"k": {"ü"}}},
		{Name: "", UID: "1", Groups: []string{"g"}},
		{Name: "alice", Groups: []string{"", "x"}, Extra: map[string][]string{"k": {""}}},
	} {
		req, _ := http.NewRequest("GET", "http://k8s/", nil)
		transport.SetAuthProxyHeaders(req, u.Name, u.UID, u.Groups, u.Extra)
		e := &Enc{User: u}
		for k, vs := range req.Header {
			for _, v := range vs {
				e.Lines = append(e.Lines, k+": "+v)
			}
		}
		sort.SliceStable(e.Lines, func(i, j int) bool {
			return strings.SplitN(e.Lines[i], ":", 2)[0] < strings.SplitN(e.Lines[j], ":", 2)[0]
		})
		enc = append(enc, e)
	}
	Write(o, map[string]any{"format": "k8s-request-header/1", "kubernetes": KubernetesVersion, "seed": o.Seed, "config": std, "cases": cases, "encode": enc})
}
