// SPDX-License-Identifier: Apache-2.0

package main

import (
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func md(ns, name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: ns, Name: name} }
func rule(v, g, r []string, names ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{Verbs: v, APIGroups: g, Resources: r, ResourceNames: names}
}
func nr(v []string, u ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{Verbs: v, NonResourceURLs: u}
}
func l(s ...string) []string { return s }
func subj(kind, ns, name string) rbacv1.Subject {
	s := rbacv1.Subject{Kind: kind, Namespace: ns, Name: name}
	if kind == "User" || kind == "Group" {
		s.APIGroup = "rbac.authorization.k8s.io"
	}
	return s
}
func ref(kind, name string) rbacv1.RoleRef {
	return rbacv1.RoleRef{APIGroup: "rbac.authorization.k8s.io", Kind: kind, Name: name}
}

func curatedPolicy() (*Policy, []Attrs) {
	p := &Policy{ID: "curated"}
	var as []Attrs
	cr := func(name string, rules ...rbacv1.PolicyRule) {
		p.ClusterRoles.Items = append(p.ClusterRoles.Items, &rbacv1.ClusterRole{ObjectMeta: md("", name), Rules: rules})
	}
	ro := func(ns, name string, rules ...rbacv1.PolicyRule) {
		p.Roles.Items = append(p.Roles.Items, &rbacv1.Role{ObjectMeta: md(ns, name), Rules: rules})
	}
	crb := func(name string, rr rbacv1.RoleRef, ss ...rbacv1.Subject) {
		p.ClusterRoleBindings.Items = append(p.ClusterRoleBindings.Items, &rbacv1.ClusterRoleBinding{ObjectMeta: md("", name), RoleRef: rr, Subjects: ss})
	}
	rb := func(ns, name string, rr rbacv1.RoleRef, ss ...rbacv1.Subject) {
		p.RoleBindings.Items = append(p.RoleBindings.Items, &rbacv1.RoleBinding{ObjectMeta: md(ns, name), RoleRef: rr, Subjects: ss})
	}
	U := func(n string) rbacv1.Subject { return subj("User", "", n) }
	res := func(u, verb, g, ns, resource, sub, name string, groups ...string) {
		as = append(as, Attrs{User: u, Groups: groups, Resource: true, Verb: verb, APIGroup: g, Namespace: ns, ResourceN: resource, Subresource: sub, Name: name})
	}
	non := func(u, verb, path string, groups ...string) {
		as = append(as, Attrs{User: u, Groups: groups, Verb: verb, Path: path})
	}
	// plain role
	ro("ns1", "reader", rule(l("get", "list"), l(""), l("pods")))
	rb("ns1", "rb-reader", ref("Role", "reader"), U("alice"))
	for _, v := range []string{"get", "list", "watch", "GET", "", "*"} {
		res("alice", v, "", "ns1", "pods", "", "")
	}
	res("alice", "get", "", "ns2", "pods", "", "")
	res("alice", "get", "", "", "pods", "", "")
	res("alice", "get", "apps", "ns1", "pods", "", "")
	res("alice", "get", "", "ns1", "pods", "log", "p")
	res("alice", "get", "", "ns1", "Pods", "", "")
	res("Alice", "get", "", "ns1", "pods", "", "")
	res("alice ", "get", "", "ns1", "pods", "", "")
	res("", "get", "", "ns1", "pods", "", "")
	res("alice", "get", "", "ns1", "", "", "")
	res("alice", "get", "", "ns1", "*", "", "")
	// wildcards
	cr("w-verb", rule(l("*"), l(""), l("configmaps")))
	crb("crb-w-verb", ref("ClusterRole", "w-verb"), U("wv"))
	for _, v := range []string{"get", "escalate", "", "whatever", "*"} {
		res("wv", v, "", "ns1", "configmaps", "", "x")
	}
	cr("w-group", rule(l("get"), l("*"), l("widgets")))
	crb("crb-w-group", ref("ClusterRole", "w-group"), U("wg"))
	res("wg", "get", "", "", "widgets", "", "")
	res("wg", "get", "a.b.c", "x", "widgets", "", "")
	cr("w-res", rule(l("get"), l("apps"), l("*")))
	crb("crb-w-res", ref("ClusterRole", "w-res"), U("wr"))
	res("wr", "get", "apps", "x", "deployments", "", "")
	res("wr", "get", "apps", "x", "deployments", "scale", "d")
	res("wr", "get", "apps", "x", "", "", "")
	res("wr", "get", "", "x", "pods", "", "")
	cr("w-sub", rule(l("get", "update"), l("*"), l("*/scale")), rule(l("get"), l(""), l("pods/*")), rule(l("get"), l(""), l("*/*")), rule(l("patch"), l(""), l("nodes/")), rule(l("delete"), l(""), l("*/")))
	crb("crb-w-sub", ref("ClusterRole", "w-sub"), U("ws"))
	res("ws", "get", "apps", "x", "deployments", "scale", "d")
	res("ws", "update", "example.com", "", "foos", "scale", "d")
	res("ws", "get", "apps", "x", "deployments", "", "d")
	res("ws", "get", "apps", "x", "deployments", "status", "d")
	res("ws", "get", "apps", "x", "scale", "", "d")
	res("ws", "get", "apps", "x", "scale", "scale", "d")
	res("ws", "get", "apps", "x", "deployments", "xscale", "d")
	res("ws", "get", "apps", "x", "deployments", "scal", "d")
	res("ws", "get", "", "x", "pods", "log", "p")
	res("ws", "get", "", "x", "pods", "*", "p")
	res("ws", "get", "", "x", "pods", "", "p")
	res("ws", "get", "", "x", "*", "*", "p")
	res("ws", "get", "", "x", "foo", "*", "p")
	res("ws", "patch", "", "", "nodes", "", "n")
	res("ws", "patch", "", "", "nodes", "status", "n")
	res("ws", "delete", "", "", "nodes", "", "n")
	cr("w-combined", rule(l("get"), l(""), l("pods/log", "pods/exec")))
	crb("crb-w-combined", ref("ClusterRole", "w-combined"), U("wc"))
	res("wc", "get", "", "x", "pods", "log", "p")
	res("wc", "get", "", "x", "pods", "", "p")
	res("wc", "get", "", "x", "pods/log", "", "p")
	res("wc", "create", "", "x", "pods", "exec", "p")
	// resourceNames
	cr("names", rule(l("*"), l(""), l("secrets"), "a", "b"), rule(l("get"), l(""), l("endpoints"), ""), rule(l("get"), l(""), l("events"), "*"))
	rb("ns1", "rb-names", ref("ClusterRole", "names"), U("rn"))
	for _, n := range []string{"a", "b", "c", "", "A"} {
		for _, v := range []string{"get", "list", "create", "deletecollection"} {
			res("rn", v, "", "ns1", "secrets", "", n)
		}
	}
	res("rn", "get", "", "ns1", "endpoints", "", "")
	res("rn", "get", "", "ns1", "endpoints", "", "x")
	res("rn", "get", "", "ns1", "events", "", "x")
	res("rn", "get", "", "ns1", "events", "", "*")
	res("rn", "get", "", "ns2", "secrets", "", "a")
	// non-resource URLs
	cr("nonres", nr(l("get"), "/healthz", "/healthz/*"), nr(l("*"), "/debug/*"), nr(l("get", "post"), "/foo*"), nr(l("get"), "/a*b"), nr(l("get"), "/star**"), nr(l("get"), "/trail/"), rbacv1.PolicyRule{Verbs: l("get"), NonResourceURLs: l("/mix"), APIGroups: l(""), Resources: l("bindings")})
	crb("crb-nonres", ref("ClusterRole", "nonres"), U("nr"))
	for _, pth := range []string{"/healthz", "/healthz/", "/healthz/etcd", "/healthzx", "/Healthz", "/debug/", "/debug", "/debug/pprof", "/foo", "/foobar", "/fo", "/a*b", "/axb", "/a", "/star", "/star*", "/starx", "/trail/", "/trail", "/trail/x", "/mix", "", "/", "*", "/debug//x", "//healthz"} {
		non("nr", "get", pth)
	}
	non("nr", "put", "/debug/x")
	non("nr", "post", "/healthz")
	non("nr", "head", "/healthz")
	non("nr", "GET", "/healthz")
	res("nr", "get", "", "x", "bindings", "", "")
	res("nr", "get", "", "x", "debug", "", "")
	cr("nonres-all", nr(l("get"), "*"))
	crb("crb-nonres-all", ref("ClusterRole", "nonres-all"), U("nra"))
	for _, pth := range []string{"/", "", "/api", "anything"} {
		non("nra", "get", pth)
	}
	non("nra", "post", "/")
	cr("nonres-slashstar", nr(l("get"), "/*"))
	crb("crb-nonres-slashstar", ref("ClusterRole", "nonres-slashstar"), U("nrs"))
	for _, pth := range []string{"/", "", "/api", "anything", "*"} {
		non("nrs", "get", pth)
	}
	// a role binding never grants a non-resource URL: the request has no namespace
	rb("ns1", "rb-nonres", ref("ClusterRole", "nonres"), U("nrns"))
	non("nrns", "get", "/healthz")
	as = append(as, Attrs{User: "nrns", Verb: "get", Path: "/healthz", Namespace: "ns1"})
	// "*" resource rule does not give non-resource, and the other way round
	cr("all-res", rule(l("*"), l("*"), l("*")))
	crb("crb-all-res", ref("ClusterRole", "all-res"), U("ar"))
	non("ar", "get", "/healthz")
	res("ar", "use", "x.y", "n", "any", "sub", "name")
	res("ar", "", "", "", "", "", "")
	cr("cluster-adminish", rule(l("*"), l("*"), l("*")), nr(l("*"), "*"))
	crb("crb-cluster-adminish", ref("ClusterRole", "cluster-adminish"), U("ca"), subj("Group", "", "admins"))
	non("ca", "whatever", "/x")
	res("ca", "get", "", "", "nodes", "", "")
	res("z", "get", "", "", "nodes", "", "", "x", "admins")
	res("z", "get", "", "", "nodes", "", "", "Admins")
	res("z", "get", "", "", "nodes", "", "", "admins ")
	// system:masters
	res("root", "anything", "g", "ns", "r", "s", "n", "system:masters")
	non("root", "x", "/y", "system:masters")
	res("root", "get", "", "", "pods", "", "", "system:master")
	res("system:masters", "get", "", "", "pods", "", "")
	res("alice", "get", "", "ns1", "pods", "", "", "system:masters", "a")
	// groups
	crb("crb-authn", ref("ClusterRole", "names"), subj("Group", "", "system:authenticated"))
	res("someone", "get", "", "", "secrets", "", "a", "system:authenticated")
	res("someone", "get", "", "", "secrets", "", "a", "system:unauthenticated")
	res("system:anonymous", "get", "", "", "secrets", "", "a", "system:unauthenticated")
	res("someone", "get", "", "", "secrets", "", "a")
	crb("crb-sagroup", ref("ClusterRole", "w-verb"), subj("Group", "", "system:serviceaccounts:ns3"))
	res("system:serviceaccount:ns3:x", "get", "", "", "configmaps", "", "", "system:serviceaccounts", "system:serviceaccounts:ns3", "system:authenticated")
	res("system:serviceaccount:ns3:x", "get", "", "", "configmaps", "", "")
	crb("crb-emptygroup", ref("ClusterRole", "w-group"), subj("Group", "", ""))
	res("someone", "get", "", "", "widgets", "", "", "")
	res("someone", "get", "", "", "widgets", "", "")
	crb("crb-emptyuser", ref("ClusterRole", "w-res"), subj("User", "", ""))
	res("", "get", "apps", "", "x", "", "")
	// service accounts
	crb("crb-sa", ref("ClusterRole", "w-verb"), subj("ServiceAccount", "ns1", "sa1"), subj("ServiceAccount", "", "sa2"), subj("ServiceAccount", "ns:x", "y"))
	for _, u := range []string{"system:serviceaccount:ns1:sa1", "system:serviceaccount:ns1:sa1x", "system:serviceaccount:ns1:sa", "system:serviceaccount:ns1x:sa1", "system:serviceaccount::sa2", "system:serviceaccount:ns1:sa2", "system:serviceaccount:default:sa2", "sa1", "system:serviceaccount:ns1", "system:serviceaccount:ns:x:y", "system:serviceaccount:ns:x", "System:serviceaccount:ns1:sa1"} {
		res(u, "get", "", "q", "configmaps", "", "")
	}
	rb("ns4", "rb-sa-local", ref("ClusterRole", "w-verb"), subj("ServiceAccount", "", "local"), subj("ServiceAccount", "other", "far"))
	for _, u := range []string{"system:serviceaccount:ns4:local", "system:serviceaccount:other:local", "system:serviceaccount:other:far", "system:serviceaccount:ns4:far"} {
		res(u, "get", "", "ns4", "configmaps", "", "")
		res(u, "get", "", "other", "configmaps", "", "")
	}
	// odd subjects
	crb("crb-odd", ref("ClusterRole", "w-verb"), subj("user", "", "lower"), subj("UserX", "", "kindx"), subj("", "", "nokind"), subj("User", "ns1", "nsuser"), subj("User", "", "*"), subj("Group", "", "*"))
	for _, u := range []string{"lower", "kindx", "nokind", "nsuser", "*", "anyone"} {
		res(u, "get", "", "q", "configmaps", "", "")
	}
	// subject and roleRef with another apiGroup: neither is looked at
	crb("crb-othergroup", rbacv1.RoleRef{APIGroup: "bogus", Kind: "ClusterRole", Name: "w-verb"}, rbacv1.Subject{Kind: "User", APIGroup: "bogus", Name: "og"})
	res("og", "get", "", "q", "configmaps", "", "")
	// dangling and wrong roleRefs
	crb("crb-dangling", ref("ClusterRole", "gone"), U("dang"))
	rb("ns1", "rb-dangling-role", ref("Role", "gone"), U("dang"))
	rb("ns1", "rb-dangling-cr", ref("ClusterRole", "gone2"), U("dang"))
	res("dang", "get", "", "ns1", "pods", "", "")
	res("dang", "get", "", "", "pods", "", "")
	non("dang", "get", "/x")
	crb("crb-dangling2", ref("ClusterRole", "gone"), U("dang2"))
	crb("crb-dangling3", ref("ClusterRole", "gone"), U("dang2"))
	crb("crb-ok2", ref("ClusterRole", "w-verb"), U("dang2"))
	res("dang2", "get", "", "ns1", "pods", "", "")
	res("dang2", "get", "", "ns1", "configmaps", "", "")
	crb("crb-role", ref("Role", "reader"), U("crbrole"))
	res("crbrole", "get", "", "ns1", "pods", "", "")
	crb("crb-badkind", ref("Rolle", "reader"), U("badkind"))
	res("badkind", "get", "", "ns1", "pods", "", "")
	crb("crb-emptykind", ref("", "reader"), U("emptykind"))
	res("emptykind", "get", "", "ns1", "pods", "", "")
	crb("crb-emptyname", ref("ClusterRole", ""), U("emptyname"))
	res("emptyname", "get", "", "ns1", "pods", "", "")
	rb("ns2", "rb-other-ns-role", ref("Role", "reader"), U("otherns"))
	res("otherns", "get", "", "ns2", "pods", "", "")
	// empty lists
	cr("empties", rbacv1.PolicyRule{}, rule(l("get"), nil, l("pods")), rule(l("get"), l(""), nil), rule(nil, l(""), l("pods")), rule(l(), l(""), l("pods")))
	crb("crb-empties", ref("ClusterRole", "empties"), U("emp"))
	res("emp", "get", "", "x", "pods", "", "")
	cr("norules")
	crb("crb-norules", ref("ClusterRole", "norules"), U("nor"))
	res("nor", "get", "", "x", "pods", "", "")
	crb("crb-nosubjects", ref("ClusterRole", "all-res"))
	res("nos", "get", "", "x", "pods", "", "")
	// several bindings that allow
	crb("crb-multi1", ref("ClusterRole", "all-res"), U("multi"), subj("Group", "", "g1"))
	crb("crb-multi2", ref("ClusterRole", "w-verb"), subj("Group", "", "g1"), U("multi"))
	rb("ns1", "rb-multi", ref("ClusterRole", "w-verb"), subj("Group", "", "g1"))
	res("multi", "get", "", "ns1", "configmaps", "", "", "g1")
	res("other", "get", "", "ns1", "configmaps", "", "", "g1")
	// a quoted name in the message
	res("a\"b\\c<d>&\u00e9\u2028\u0001", "get", "", "ns1", "pods", "", "")
	non("u", "get", "/a\"<b>&\u00e9\x00")
	rb("ns1", "rb-\"quoted\"", ref("Role", "reader"), U("q\"u"))
	res("q\"u", "get", "", "ns1", "pods", "", "")
	// impersonation is plain RBAC
	cr("imp", rule(l("impersonate"), l(""), l("users", "groups"), "bob"), rule(l("impersonate"), l("authentication.k8s.io"), l("userextras/scopes"), "s1"), rule(l("impersonate"), l("authentication.k8s.io"), l("uids")))
	crb("crb-imp", ref("ClusterRole", "imp"), U("imp"))
	res("imp", "impersonate", "", "", "users", "", "bob")
	res("imp", "impersonate", "", "", "users", "", "eve")
	res("imp", "impersonate", "", "", "groups", "", "bob")
	res("imp", "impersonate", "authentication.k8s.io", "", "userextras", "scopes", "s1")
	res("imp", "impersonate", "authentication.k8s.io", "", "userextras", "scopes", "s2")
	res("imp", "impersonate", "authentication.k8s.io", "", "uids", "", "1")
	p.build()
	return p, as
}

func bootstrapCases() (as []Attrs) {
	res := func(u string, groups []string, verb, g, ns, resource, sub, name string) {
		as = append(as, Attrs{User: u, Groups: groups, Resource: true, Verb: verb, APIGroup: g, Namespace: ns, ResourceN: resource, Subresource: sub, Name: name})
	}
	non := func(u string, groups []string, verb, path string) {
		as = append(as, Attrs{User: u, Groups: groups, Verb: verb, Path: path})
	}
	au, an := l("system:authenticated"), l("system:unauthenticated")
	for _, p := range []string{"/healthz", "/livez", "/livez/ping", "/readyz", "/version", "/version/", "/api", "/api/v1", "/apis", "/apis/apps", "/openapi", "/openapi/v2", "/openapi/v3/x", "/metrics", "/", "/logs", "/.well-known/openid-configuration", "/.well-known/openid-configuration/", "/openid/v1/jwks", "/healthz/x"} {
		non("alice", au, "get", p)
		non("system:anonymous", an, "get", p)
	}
	non("alice", au, "head", "/healthz")
	non("alice", au, "post", "/version")
	non("mon", l("system:monitoring", "system:authenticated"), "get", "/metrics")
	non("mon", l("system:monitoring", "system:authenticated"), "get", "/metrics/slis")
	non("mon", l("system:monitoring", "system:authenticated"), "get", "/healthz/etcd")
	for _, u := range []struct {
		n string
		g []string
	}{{"alice", au}, {"system:anonymous", an}, {"system:kube-controller-manager", au}, {"system:kube-scheduler", au}, {"system:kube-proxy", au}, {"system:serviceaccount:kube-system:deployment-controller", l("system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated")}, {"system:serviceaccount:kube-system:generic-garbage-collector", au}, {"system:node:n1", l("system:nodes", "system:authenticated")}, {"x", l("system:bootstrappers", "system:authenticated")}, {"root", l("system:masters", "system:authenticated")}, {"system:serviceaccount:kube-system:default", au}, {"system:serviceaccount:default:default", l("system:serviceaccounts", "system:authenticated")}} {
		res(u.n, u.g, "create", "authorization.k8s.io", "", "selfsubjectaccessreviews", "", "")
		res(u.n, u.g, "create", "authorization.k8s.io", "", "subjectaccessreviews", "", "")
		res(u.n, u.g, "create", "authentication.k8s.io", "", "selfsubjectreviews", "", "")
		res(u.n, u.g, "list", "", "", "pods", "", "")
		res(u.n, u.g, "create", "", "default", "pods", "binding", "p")
		res(u.n, u.g, "update", "apps", "default", "deployments", "status", "d")
		res(u.n, u.g, "watch", "", "kube-system", "configmaps", "", "extension-apiserver-authentication")
		res(u.n, u.g, "get", "", "kube-system", "configmaps", "", "extension-apiserver-authentication")
		res(u.n, u.g, "list", "", "", "nodes", "", "")
		res(u.n, u.g, "get", "", "", "nodes", "", "n1")
		res(u.n, u.g, "update", "coordination.k8s.io", "kube-system", "leases", "", "kube-scheduler")
		res(u.n, u.g, "get", "", "kube-public", "configmaps", "", "cluster-info")
		res(u.n, u.g, "delete", "", "ns", "services", "", "s")
		res(u.n, u.g, "create", "certificates.k8s.io", "", "certificatesigningrequests", "", "")
		res(u.n, u.g, "get", "", "default", "secrets", "", "s")
		res(u.n, u.g, "create", "", "default", "events", "", "")
	}
	return
}
