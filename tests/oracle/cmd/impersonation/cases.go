// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/rand"
	"net/http"
	"net/url"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
)

const extraPrefix = "impersonate-extra-"

// The group of constrained impersonation, and of uids and extras always.
const authn = "authentication.k8s.io"

func decoded(key string) string {
	if plain, err := url.PathUnescape(key); err == nil {
		return plain
	}
	return key
}

// ---- curated ----

func curatedPolicy() *Policy {
	p := &Policy{ID: "curated"}
	p.grant("legacy-all", "lall", "", rule(l("impersonate"), l("", authn), l("users", "groups", "serviceaccounts", "uids", "userextras", "userextras/scopes", "userextras/acme.io/team")))
	p.grant("legacy-star", "lstar", "", rule(l("impersonate"), l("*"), l("*")))
	p.grant("legacy-users", "lusers", "", rule(l("impersonate"), l(""), l("users")))
	p.grant("legacy-bob", "lbob", "", rule(l("impersonate"), l(""), l("users"), "bob"))
	p.grant("legacy-groups", "lgroups", "", rule(l("impersonate"), l(""), l("users")), rule(l("impersonate"), l(""), l("groups"), "devs", "ops", ""))
	p.grant("legacy-sa", "lsa", "ns1", rule(l("impersonate"), l(""), l("serviceaccounts")))
	p.grant("legacy-sa-one", "lsaone", "ns1", rule(l("impersonate"), l(""), l("serviceaccounts"), "builder"))
	p.grant("legacy-extra", "lextra", "", rule(l("impersonate"), l(""), l("users")), rule(l("impersonate"), l(authn), l("userextras/scopes"), "view", ""))
	p.grant("legacy-wrong-group", "lwrong", "", rule(l("impersonate"), l(authn), l("users", "groups")))
	p.grant("legacy-uid", "luid", "", rule(l("impersonate"), l(""), l("users")), rule(l("impersonate"), l(authn), l("uids"), "u-1"))
	p.grant("legacy-for-group", "@impersonators", "", rule(l("impersonate"), l(""), l("users", "groups")))

	on := func(mode string, verbs ...string) (out []string) {
		for _, verb := range verbs {
			out = append(out, "impersonate-on:"+mode+":"+verb)
		}
		return out
	}
	p.grant("user-info", "uinfo", "",
		rule(l("impersonate:user-info"), l(authn), l("users", "groups", "uids", "userextras/acme.io/team", "userextras/acme.io/role")),
		rule(on("user-info", "get", "list"), l(""), l("pods")), path(on("user-info", "get"), "/healthz"))
	p.grant("user-info-star", "ustar", "", rule(l("*"), l(authn), l("*")), rule(l("*"), l(""), l("pods")))
	p.grant("user-info-legacy-group", "uwrong", "", rule(l("impersonate:user-info"), l(""), l("users")), rule(on("user-info", "list"), l(""), l("pods")))
	p.grant("user-info-not-on", "unoton", "", rule(l("impersonate:user-info"), l(authn), l("users", "groups")))
	p.grant("user-info-only-on", "uonlyon", "", rule(on("user-info", "list"), l(""), l("pods")))
	p.grant("user-info-bob", "ubob", "", rule(l("impersonate:user-info"), l(authn), l("users"), "bob", "system:anonymous"), rule(on("user-info", "list"), l(""), l("pods")))
	p.grant("user-info-groups", "ugroups", "", rule(l("impersonate:user-info"), l(authn), l("users")), rule(l("impersonate:user-info"), l(authn), l("groups"), "a", "b", "c", "d"), rule(on("user-info", "list"), l(""), l("pods")))
	p.grant("user-info-groups-star", "ugstar", "", rule(l("impersonate:user-info"), l(authn), l("users")), rule(l("impersonate:user-info"), l(authn), l("groups", "userextras/*"), "*"), rule(on("user-info", "list"), l(""), l("pods")))
	p.grant("user-info-on-ns", "uns", "ns1", rule(on("user-info", "list", "get"), l(""), l("pods", "pods/log")))
	p.grant("user-info-on-ns-who", "uns", "", rule(l("impersonate:user-info"), l(authn), l("users")))
	p.grant("sa-on", "samode", "", rule(on("serviceaccount", "list", "get"), l(""), l("pods")))
	p.grant("sa-who", "samode", "ns1", rule(l("impersonate:serviceaccount"), l(authn), l("serviceaccounts")))
	p.grant("node", "nodemode", "", rule(l("impersonate:arbitrary-node"), l(authn), l("nodes"), "n1"), rule(on("arbitrary-node", "list"), l(""), l("pods")))
	p.grant("agent", "system:serviceaccount:kube-system:agent", "", rule(l("impersonate:associated-node"), l(authn), l("nodes")), rule(on("associated-node", "list", "get"), l(""), l("pods")))
	p.grant("agent-star", "system:serviceaccount:kube-system:star", "", rule(l("impersonate:associated-node"), l(authn), l("nodes"), "*"), rule(on("associated-node", "list", "get"), l(""), l("pods")))
	p.grant("agent-one", "system:serviceaccount:kube-system:one", "", rule(l("impersonate:associated-node"), l(authn), l("nodes"), "n1"), rule(on("associated-node", "list"), l(""), l("pods")))
	p.grant("agent-both", "system:serviceaccount:kube-system:both", "", rule(l("impersonate:associated-node", "impersonate:arbitrary-node"), l(authn), l("nodes")), rule(append(on("associated-node", "list"), on("arbitrary-node", "list")...), l(""), l("pods")))
	p.grant("mixed", "mixed", "", rule(l("impersonate:user-info"), l(authn), l("users"), "bob"), rule(on("user-info", "list"), l(""), l("pods")), rule(l("impersonate"), l(""), l("users", "groups")))
	p.grant("mixed-node", "mixednode", "", rule(l("impersonate:arbitrary-node"), l(authn), l("nodes")), rule(on("arbitrary-node", "list"), l(""), l("pods")), rule(l("impersonate"), l(""), l("users")))
	p.ClusterRoleBindings.Items = append(p.ClusterRoleBindings.Items, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "dangling"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacGroup, Kind: "ClusterRole", Name: "no<pe"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacGroup, Kind: "User", Name: "dangling"}}})
	return p
}

type builder struct {
	cases   []*Case
	session int
}

const listPods = "GET /api/v1/namespaces/ns1/pods"

// both gates judge each; in a session only the present one.
func (b *builder) add(what string, who User, requestLine string, lines ...string) {
	method, target, _ := strings.Cut(requestLine, " ")
	gates := l("", "legacy")
	if b.session != 0 {
		gates = l("")
	}
	for _, gate := range gates {
		b.cases = append(b.cases, &Case{ID: fmt.Sprintf("c%04d", len(b.cases)), What: what, Policy: "curated", Gate: gate, Session: b.session,
			Requestor: who, Method: method, Target: target, Lines: lines})
	}
}

func named(name string, groups ...string) User { return User{Name: name, Groups: groups} }

func account(name, node string, more ...string) User {
	u := User{Name: name, UID: "sa-uid", Groups: l("system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"), Extra: map[string][]string{}}
	if node != "" {
		u.Extra[serviceaccount.NodeNameKey] = append(l(node), more...)
	}
	return u
}

func curated() ([]*Policy, []*Case) {
	b := &builder{}
	headerForms(b)
	legacyRights(b)
	userInfo(b)
	nodesAndAccounts(b)
	sessions(b)
	return []*Policy{curatedPolicy()}, b.cases
}

func headerForms(b *builder) {
	all, root := named("lall", "system:authenticated"), named("root", "system:masters", "system:authenticated")
	for _, who := range []User{all, root, named("nobody")} {
		b.add("no header", who, listPods)
		b.add("none of ours", who, listPods, "Accept: application/json", "X-Impersonate-User: bob")
		b.add("user", who, listPods, "Impersonate-User: bob")
		b.add("lower case", who, listPods, "impersonate-user: bob", "impersonate-group: devs")
		b.add("upper case", who, listPods, "IMPERSONATE-USER: bob", "IMPERSONATE-GROUP: devs", "IMPERSONATE-UID: u-1", "IMPERSONATE-EXTRA-SCOPES: view")
		b.add("empty user", who, listPods, "Impersonate-User: ")
		b.add("the first user counts", who, listPods, "Impersonate-User: bob", "Impersonate-User: carol")
		b.add("an empty first user hides the second", who, listPods, "Impersonate-User: ", "Impersonate-User: bob")
		b.add("an empty first user with a group", who, listPods, "Impersonate-User: ", "Impersonate-User: bob", "Impersonate-Group: devs")
		b.add("spaces are trimmed", who, listPods, "Impersonate-User:   \t bob \t ")
		b.add("only spaces", who, listPods, "Impersonate-User:  \t ")
		b.add("group without user", who, listPods, "Impersonate-Group: devs")
		b.add("two groups without user", who, listPods, "Impersonate-Group: devs", "Impersonate-Group: ")
		b.add("empty group without user", who, listPods, "Impersonate-Group: ")
		b.add("uid without user", who, listPods, "Impersonate-Uid: u-1")
		b.add("empty uid without user", who, listPods, "Impersonate-Uid: ")
		b.add("extra without user", who, listPods, "Impersonate-Extra-Scopes: view")
		b.add("empty extra without user", who, listPods, "Impersonate-Extra-Scopes: ")
		b.add("extra without a key and user", who, listPods, "Impersonate-Extra-: view")
		b.add("quoting", who, listPods, "Impersonate-Group: a\"b\\c<d>&é\u200b日", "Impersonate-Uid: \tx\ty", "Impersonate-Extra-A%22%0Ab: v")
		b.add("everything without user", who, "GET /healthz", "Impersonate-Group: g1", "Impersonate-Group: g2", "Impersonate-Uid: u", "Impersonate-Extra-K: v1", "Impersonate-Extra-K: v2")
		b.add("many", who, listPods, "Impersonate-User: bob", "Impersonate-Group: devs", "Impersonate-Group: devs", "Impersonate-Uid: u-1", "Impersonate-Uid: u-2", "Impersonate-Extra-Scopes: view", "Impersonate-Extra-Scopes: edit")
		b.add("the empty uid hides the second", who, listPods, "Impersonate-User: bob", "Impersonate-Uid: ", "Impersonate-Uid: u-2")
		b.add("a group is no list", who, listPods, "Impersonate-User: bob", "Impersonate-Group: a,b")
		b.add("names near ours are none", who, listPods, "Impersonate-Users: bob", "Impersonate: x", "Impersonate-Extras: y", "Impersonate-Extra: z")
		for _, key := range l("scopes", "Scopes", "acme.io%2Fteam", "acme.io%2fteam", "acme.io/team", "acme.io%2Fte%61m", "%41bc", "bad%zz", "bad%", "bad%2", "%", "%25", "%2525", "", "_", "~|!", "a%00b", "%E2%82%AC", "+", "a%20b") {
			if strings.Contains(key, "/") {
				continue // no token
			}
			b.add("extra key "+key, who, listPods, "Impersonate-User: bob", "Impersonate-Extra-"+key+": v")
		}
		b.add("two names, one key", who, listPods, "Impersonate-User: bob", "Impersonate-Extra-Scope%73: 1", "Impersonate-Extra-Scopes: 2")
		b.add("empty value", who, listPods, "Impersonate-User: bob", "Impersonate-Extra-Scopes: ")
		b.add("refused in messages", who, "DELETE /api/v1/namespaces/ns1/pods/p<1>", "Impersonate-User: b<o>b&\"é")
	}
}

func legacyRights(b *builder) {
	users := l("bob", "carol", "system:admin", "system:anonymous", "system:serviceaccount:ns1:builder", "system:serviceaccount:ns2:builder", "system:serviceaccount:ns1:x",
		"system:serviceaccount:ns1", "system:serviceaccount:ns1:", "system:serviceaccount::x", "system:serviceaccount:Ns1:x", "system:serviceaccount:n.s:x", "system:serviceaccount:ns1:x.y",
		"system:serviceaccount:ns1:x:y", "system:serviceaccount:"+strings.Repeat("n", 63)+":x", "system:serviceaccount:"+strings.Repeat("n", 64)+":x", "system:serviceaccount:ns1:"+strings.Repeat("n", 253),
		"system:serviceaccount:ns1:"+strings.Repeat("n", 254), "system:node:n1", "system:node:n1.example.org", "system:node:N1", "system:node:", "system:node:a_b", "system:node:-a", "system:node:a.", "system:node:"+strings.Repeat("n", 254), "SYSTEM:node:n1", "*")
	for _, who := range l("lall", "lstar", "lusers", "lbob", "lsa", "lsaone", "lwrong", "lgroups", "lextra", "luid", "dangling", "ustar", "uinfo", "samode", "nodemode") {
		for _, name := range users {
			b.add("", named(who), listPods, "Impersonate-User: "+name)
		}
	}
	groups := [][]string{{"devs"}, {"ops", "devs"}, {""}, {"system:masters"}, {"system:authenticated"}, {"system:unauthenticated"}, {"devs", "system:unauthenticated"}, {"other"}, {"devs", "other"}, {"system:nodes"}, {"system:serviceaccounts"}, {"*"}, {"a", "b", "c", "d"}, {"a", "b", "c"}, {"a", "b", "c", "d", "e"}, {"a", "b", "", "d"}, {"devs", "devs"}}
	for _, who := range l("lall", "lgroups", "lusers", "uinfo", "ugroups", "ugstar", "mixed") {
		for _, name := range l("bob", "system:anonymous", "system:serviceaccount:ns1:builder") {
			for _, list := range groups {
				lines := l("Impersonate-User: " + name)
				for _, group := range list {
					lines = append(lines, "Impersonate-Group: "+group)
				}
				b.add("", named(who), listPods, lines...)
			}
		}
	}
	b.add("through a group", named("x", "impersonators"), listPods, "Impersonate-User: bob", "Impersonate-Group: devs")
	b.add("through a group", named("x", "impersonator"), listPods, "Impersonate-User: bob", "Impersonate-Group: devs")
	for _, who := range l("lextra", "luid", "lall", "lusers") {
		for _, value := range l("view", "edit", "") {
			b.add("", named(who), listPods, "Impersonate-User: bob", "Impersonate-Extra-Scopes: "+value)
			b.add("", named(who), listPods, "Impersonate-User: bob", "Impersonate-Extra-Scopes: view", "Impersonate-Extra-Scopes: "+value, "Impersonate-Extra-Other: x")
		}
		for _, uid := range l("u-1", "u-2", "") {
			b.add("", named(who), listPods, "Impersonate-User: bob", "Impersonate-Uid: "+uid)
			b.add("the uid is asked for before groups", named(who), listPods, "Impersonate-User: bob", "Impersonate-Group: g", "Impersonate-Extra-K: v", "Impersonate-Uid: "+uid)
		}
	}
}

var requestLines = l(listPods, "GET /api/v1/pods", "GET /api/v1/namespaces/ns1/pods/p1", "GET /api/v1/namespaces/ns1/pods/p1/log", "POST /api/v1/namespaces/ns1/pods",
	"GET /api/v1/namespaces/ns1/pods?watch=1", "DELETE /api/v1/namespaces/ns1/pods", "GET /healthz", "GET /healthz/etcd", "POST /healthz", "GET /apis/apps/v1/namespaces/ns2/deployments/d",
	"PUT /api/v1/namespaces/ns1/pods/p1/status", "OPTIONS /api/v1/pods", "HEAD /", "GET /api/v1/namespaces/ns1", "GET /api/v1/namespaces/ns1/pods?fieldSelector=metadata.name%3Dp1")

func userInfo(b *builder) {
	for _, who := range l("uinfo", "ustar", "unoton", "uonlyon", "ubob", "uns", "uwrong", "nobody") {
		for _, line := range requestLines {
			b.add("", named(who), line, "Impersonate-User: bob")
			b.add("", named(who), line, "Impersonate-User: bob", "Impersonate-Group: devs", "Impersonate-Uid: u-1", "Impersonate-Extra-Acme.io%2Fteam: t")
		}
		b.add("anonymous", named(who), listPods, "Impersonate-User: system:anonymous")
		b.add("anonymous, authenticated", named(who), listPods, "Impersonate-User: system:anonymous", "Impersonate-Group: system:authenticated")
	}
	long := strings.Repeat("a", 254)
	for _, who := range l("uinfo", "ustar", "ugstar", "lall") {
		for _, key := range l("acme.io%2Fteam", "acme.io%2Fteam%2Fx", "acme.io%2F", "%2Fteam", "team", "", "Acme.io%2Fteam", "acme.io%2F%54eam", "acme_io%2Fteam", "-a%2Fb", "a..b%2Fc", long+"%2Fx", long+"-%2Fx", "a%2Fb%20c", "a_%2Fb%5E",
			"a%2Fb%0A", "a%2F%25%21$&'*+%2C%3B%3D%3A", "a%2F%C3%A9", "%ff%2Fx", "%41%2Fb", "a%2F%ff", "a%2Fb%7C") {
			b.add("key "+key, named(who), listPods, "Impersonate-User: bob", "Impersonate-Extra-"+key+": v")
			b.add("key "+key, named(who), listPods, "Impersonate-User: bob", "Impersonate-Extra-"+key+": ")
		}
		b.add("value", named(who), listPods, "Impersonate-User: bob", "Impersonate-Extra-Acme.io%2Fteam: a", "Impersonate-Extra-Acme.io%2Fteam: ")
		b.add("four values", named(who), listPods, "Impersonate-User: bob", "Impersonate-Extra-Acme.io%2Fteam: a", "Impersonate-Extra-Acme.io%2Fteam: b", "Impersonate-Extra-Acme.io%2Fteam: c", "Impersonate-Extra-Acme.io%2Fteam: d")
		b.add("three values", named(who), listPods, "Impersonate-User: bob", "Impersonate-Extra-Acme.io%2Frole: a", "Impersonate-Extra-Acme.io%2Fteam: b", "Impersonate-Extra-Acme.io%2Fteam: c")
		b.add("two keys", named(who), listPods, "Impersonate-User: bob", "Impersonate-Extra-Acme.io%2Frole: a", "Impersonate-Extra-Acme.io%2Fother: b")
		b.add("four keys", named(who), listPods, "Impersonate-User: bob", "Impersonate-Extra-A.io%2F1: a", "Impersonate-Extra-A.io%2F2: b", "Impersonate-Extra-A.io%2F3: b", "Impersonate-Extra-A.io%2F4: b")
		b.add("bad and good", named(who), listPods, "Impersonate-User: bob", "Impersonate-Extra-Bad: a", "Impersonate-Extra-Acme.io%2Fteam: b")
		b.add("masters", named(who), listPods, "Impersonate-User: bob", "Impersonate-Group: a", "Impersonate-Group: system:masters", "Impersonate-Group: ")
		b.add("masters", named(who), listPods, "Impersonate-User: bob", "Impersonate-Group: a", "Impersonate-Group: system:masters")
	}
}

func nodesAndAccounts(b *builder) {
	agents := []User{}
	for _, name := range l("agent", "star", "one", "both", "none") {
		full := "system:serviceaccount:kube-system:" + name
		agents = append(agents, account(full, "n1"), account(full, "n2"), account(full, ""), account(full, "n1", "n2"), account(full, "n1", "n1"))
	}
	fake := account("uinfo", "n1")
	strange := account("system:serviceaccount:kube-system:agent:x", "n1")
	for _, who := range append(agents, fake, strange, named("nodemode"), named("samode"), named("root", "system:masters")) {
		for _, name := range l("system:node:n1", "system:node:n2", "system:node:N1", "system:serviceaccount:ns1:builder", "system:serviceaccount:ns2:builder", "n1") {
			b.add("", who, listPods, "Impersonate-User: "+name)
			b.add("", who, "DELETE /api/v1/namespaces/ns1/pods/p", "Impersonate-User: "+name)
		}
		for _, line := range l("Impersonate-Group: system:nodes", "Impersonate-Uid: u", "Impersonate-Extra-A.io%2Fb: v", "Impersonate-Extra-A.io%2Fb: ", "Impersonate-Uid: ") {
			b.add("more than a user name", who, listPods, "Impersonate-User: system:node:n1", line)
			b.add("more than a user name", who, listPods, "Impersonate-User: system:serviceaccount:ns1:builder", line)
		}
	}
	b.add("nodes are a cluster's", named("nodemode"), "GET /healthz", "Impersonate-User: system:node:n1")
}

// The mode that let a requestor through last is tried first.
func sessions(b *builder) {
	next := func() { b.session++ }
	mixed, mixedNode := named("mixed"), named("mixednode")
	next()
	b.add("user-info first", mixed, listPods, "Impersonate-User: bob")
	b.add("then legacy", mixed, listPods, "Impersonate-User: carol")
	b.add("legacy is remembered", mixed, listPods, "Impersonate-User: bob")
	b.add("legacy speaks first", mixed, listPods, "Impersonate-User: bob", "Impersonate-Uid: u")
	b.add("legacy speaks first", mixed, listPods, "Impersonate-User: system:serviceaccount:ns1:x")
	b.add("a user-info only group", mixed, listPods, "Impersonate-User: bob", "Impersonate-Group: system:masters")
	b.add("another requestor remembers nothing", named("lusers"), listPods, "Impersonate-User: bob", "Impersonate-Uid: u")
	next()
	b.add("refused: nothing is remembered", mixedNode, listPods, "Impersonate-User: bob", "Impersonate-Group: g")
	b.add("a node", mixedNode, listPods, "Impersonate-User: system:node:n1")
	b.add("that mode does not apply", mixedNode, listPods, "Impersonate-User: bob", "Impersonate-Group: g")
	b.add("legacy", mixedNode, listPods, "Impersonate-User: bob")
	b.add("a node through legacy", mixedNode, listPods, "Impersonate-User: system:node:n1")
	b.add("refused", mixedNode, listPods, "Impersonate-User: system:node:n1", "Impersonate-Group: g")
	next()
	for _, node := range l("n1", "n2", "n1") {
		agent := account("system:serviceaccount:kube-system:agent", node)
		b.add("associated", agent, listPods, "Impersonate-User: system:node:"+node)
		b.add("not its own", agent, listPods, "Impersonate-User: system:node:other")
		b.add("another verb", agent, "DELETE /api/v1/namespaces/ns1/pods/p", "Impersonate-User: system:node:"+node)
	}
	next()
	root := named("root", "system:masters")
	b.add("", root, listPods, "Impersonate-User: bob", "Impersonate-Group: system:masters")
	b.add("masters need legacy", root, listPods, "Impersonate-User: system:node:n1")
	b.add("", root, listPods, "Impersonate-User: bob")
	b.session = 0
}

// ---- random ----

type want struct {
	user   string
	uid    string
	groups []string
	extra  [][2]string // key as in the header name, value
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.Intn(len(from))] }

func chance(r *rand.Rand, p float64) bool { return r.Float64() < p }

func randomWant(r *rand.Rand) want {
	w := want{user: pick(r, l("bob", "carol", "system:anonymous", "system:node:n1", "system:node:n1", "system:node:n2", "system:node:BAD", "system:serviceaccount:ns1:builder", "system:serviceaccount:ns2:x", "system:serviceaccount:ns1:b:c", "system:kube-scheduler", "é\"<x>"))}
	if chance(r, 0.05) {
		w.user = ""
	}
	if chance(r, 0.2) {
		w.uid = pick(r, l("u-1", "u-2", "\"q\""))
	}
	if chance(r, 0.3) {
		for range 1 + r.Intn(6) {
			w.groups = append(w.groups, pick(r, l("a", "b", "c", "d", "devs", "a", "b", "c", "d", "e", "f", "g", "h", "system:authenticated", "system:unauthenticated", "system:masters", "", "*", "x y")))
		}
	}
	if chance(r, 0.25) {
		for range 1 + r.Intn(5) {
			key := pick(r, l("acme.io%2Fteam", "acme.io%2Fteam", "acme.io%2Frole", "acme.io%2Frole", "a.b%2Fc%2Fd", "a.b%2Fe", "a.b%2Ff", "a.b%2Fg", "scopes", "", "bad%zz", "acme.io%2F%54", "x_%2Fy", "%C3%A9", "acme.io%2Fte%61m"))
			w.extra = append(w.extra, [2]string{key, pick(r, l("v", "w", "long value", "v", "w", "x", "y", "v", "w", "x", "y", "z", "z", ""))})
		}
	}
	return w
}

func anyCase(r *rand.Rand, name string) string {
	switch r.Intn(3) {
	case 0:
		return strings.ToLower(name)
	case 1:
		return strings.ToUpper(name)
	}
	return name
}

func (w want) lines(r *rand.Rand) []string {
	var lines []string
	if w.user != "" || chance(r, 0.3) {
		lines = append(lines, anyCase(r, "Impersonate-User")+": "+w.user)
	}
	if chance(r, 0.05) {
		lines = append(lines, "Impersonate-User: second")
	}
	if w.uid != "" || chance(r, 0.05) {
		lines = append(lines, anyCase(r, "Impersonate-Uid")+": "+w.uid)
	}
	for _, group := range w.groups {
		lines = append(lines, anyCase(r, "Impersonate-Group")+": "+group)
	}
	for _, pair := range w.extra {
		lines = append(lines, anyCase(r, "Impersonate-Extra-"+pair[0])+": "+pair[1])
	}
	if !chance(r, 0.8) {
		r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	}
	return lines
}

// rules that a mode needs for this request; some are lost, some too wide or too narrow.
func (w want) rules(r *rand.Rand, mode, method, target string) (here []rbacv1.PolicyRule, namespaced map[string][]rbacv1.PolicyRule) {
	namespaced = map[string][]rbacv1.PolicyRule{}
	verb, group := "impersonate:"+mode, authn
	if mode == "legacy" {
		verb, group = "impersonate", ""
	}
	who := func(group, resource string, names ...string) {
		if chance(r, 0.05) {
			return
		}
		switch r.Intn(6) {
		case 0:
			names = nil
		case 1:
			resource = pick(r, l(resource, "*", "*/"+resource))
		case 2:
			group = pick(r, l(group, "*"))
		case 3:
			names = append(names, "*")
		}
		here = append(here, rule(l(verb), l(group), l(resource), names...))
	}
	namespace, name, err := serviceaccount.SplitUsername(w.user)
	switch {
	case err == nil && chance(r, 0.6):
		namespaced[namespace] = append(namespaced[namespace], rule(l(verb), l(group), l("serviceaccounts"), name))
	case err == nil:
		who(group, "serviceaccounts", name)
	case mode == "arbitrary-node":
		who(group, "nodes", strings.TrimPrefix(w.user, "system:node:"))
	case mode == "associated-node":
		who(group, "nodes", "*")
	default:
		who(group, "users", w.user)
	}
	if w.uid != "" {
		who(authn, "uids", w.uid)
	}
	for _, each := range w.groups {
		who(group, "groups", each)
	}
	for _, pair := range w.extra {
		who(authn, "userextras/"+decoded(strings.ToLower(pair[0])), pair[1])
	}
	if mode != "legacy" && !chance(r, 0.1) {
		here = append(here, onRule(r, mode, method, target))
	}
	return here, namespaced
}

// The right to the request itself: mostly just it.
func onRule(r *rand.Rand, mode, method, target string) rbacv1.PolicyRule {
	req, err := http.NewRequest(method, target, nil)
	must(err)
	info, err := resolver.NewRequestInfo(req)
	must(err)
	verbs := l("impersonate-on:"+mode+":"+info.Verb, "impersonate-on:"+mode+":update")
	if chance(r, 0.1) {
		verbs = l(info.Verb, "impersonate-on:"+mode, "impersonate-on:"+mode+":*")
	}
	if !info.IsResourceRequest {
		return path(verbs, pick(r, l(target, target, "*", "/healthz")))
	}
	resource := info.Resource
	if info.Subresource != "" {
		resource += "/" + info.Subresource
	}
	return rule(verbs, l(pick(r, l(info.APIGroup, info.APIGroup, "*", "apps"))), l(pick(r, l(resource, resource, "*", "pods"))))
}

// A mode that fits the name, mostly.
func fittingMode(r *rand.Rand, name string) string {
	_, _, err := serviceaccount.SplitUsername(name)
	switch {
	case chance(r, 0.3):
		return "legacy"
	case chance(r, 0.1):
		return pick(r, modes)
	case strings.HasPrefix(name, "system:node:"):
		return pick(r, l("associated-node", "arbitrary-node"))
	case err == nil:
		return "serviceaccount"
	}
	return "user-info"
}

var modes = l("associated-node", "arbitrary-node", "serviceaccount", "user-info", "legacy")

func randomRequestor(r *rand.Rand) User {
	u := User{Name: pick(r, l("alice", "alice", "dave", "system:serviceaccount:kube-system:agent", "system:serviceaccount:kube-system:agent", "system:node:n1")), Groups: l("system:authenticated")}
	if strings.HasPrefix(u.Name, serviceaccount.ServiceAccountUsernamePrefix) && chance(r, 0.8) {
		u.Extra = map[string][]string{serviceaccount.NodeNameKey: l(pick(r, l("n1", "n1", "n2")))}
	}
	if chance(r, 0.06) {
		u.Groups = append(u.Groups, "system:masters")
	}
	if chance(r, 0.2) {
		u.Groups = append(u.Groups, "helpers")
	}
	return u
}

func random(r *rand.Rand, n int, policies *[]*Policy, cases *[]*Case) {
	lines := append(l("DELETE /api/v1/namespaces/ns1/pods/p1", "GET /version"), requestLines...)
	session := 1000
	for made := 0; made < n; {
		p := &Policy{ID: fmt.Sprintf("p%d", len(*policies))}
		*policies = append(*policies, p)
		inSession := chance(r, 0.4)
		requestors := []User{randomRequestor(r), randomRequestor(r), randomRequestor(r)}
		session++
		wants := []want{}
		for k := 0; k < 15 && made < n; k++ {
			w := randomWant(r)
			if len(wants) > 0 && chance(r, 0.3) {
				w = pick(r, wants)
			}
			wants = append(wants, w)
			method, target, _ := strings.Cut(pick(r, lines), " ")
			c := &Case{ID: fmt.Sprintf("r%05d", made), Policy: p.ID, Requestor: pick(r, requestors), Method: method, Target: target, Lines: w.lines(r)}
			if inSession {
				c.Session = session
			} else if chance(r, 0.15) {
				c.Gate = "legacy"
			}
			if w.user != "" && chance(r, 0.7) {
				here, namespaced := w.rules(r, fittingMode(r, w.user), method, target)
				who := c.Requestor.Name
				if chance(r, 0.1) {
					who = "@helpers"
				}
				name := fmt.Sprintf("g%d", k)
				if len(here) > 0 {
					p.grant(name, who, "", here...)
				}
				for namespace, rules := range namespaced {
					p.grant(name, who, namespace, rules...)
				}
			}
			*cases = append(*cases, c)
			made++
		}
	}
}
