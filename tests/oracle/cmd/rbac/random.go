// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	. "gatehouse/oracle/common"
)

var (
	users  = []string{"alice", "bob", "carol", "dave", "eve", "system:node:n1", "system:kube-scheduler", "system:anonymous", "jane@example.com", "oidc:joe", "CN with space", "\u00e9lise"}
	groups = []string{"dev", "ops", "sre", "qa", "system:authenticated", "system:unauthenticated", "system:serviceaccounts", "system:serviceaccounts:ns1", "system:nodes", "system:masters", "oidc:admins"}
	nss    = []string{"ns1", "ns2", "kube-system", "default"}
	sas    = []string{"default", "builder", "deployer"}
	apiGs  = []string{"", "", "", "apps", "batch", "rbac.authorization.k8s.io", "example.com"}
	ress   = []string{"pods", "services", "secrets", "configmaps", "deployments", "nodes", "jobs", "widgets", "roles"}
	subs   = []string{"status", "scale", "log", "exec", "proxy", "token"}
	verbs  = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "impersonate", "bind", "escalate", "use"}
	names  = []string{"a", "b", "web-0", "db", "cfg"}
	urls   = []string{"/healthz", "/healthz/*", "/metrics", "/api", "/api/*", "/apis/*", "/version*", "/logs/*", "*", "/debug/pprof/*", "/x/**"}
	paths  = []string{"/healthz", "/healthz/ping", "/metrics", "/metrics/x", "/api", "/api/", "/api/v1", "/apis/apps", "/version", "/version/", "/versions", "/logs/a", "/logs", "/debug/pprof/heap", "/", "/x/", "/x/y", "/nothing"}
	nverbs = []string{"get", "head", "post", "put", "options", "delete"}
)

// odd: strings that nobody would write, or that only look like something; all are matched byte for byte.
var odd = []string{"", "*", "**", "/", "*/", "/*", "*/*", "pods/", "/log", "pods/log/x", "PODS", "Get", " get", "get ", "pods\x00", "p\u00f6ds", "\U0001F600", "a\"b\\c", "<&>", "system:masters", "\u2028", "x\ny", strings.Repeat("long", 200)}

// oddly replaces a word now and then.
func oddly(r *R, word string) string {
	switch {
	case r.P(0.96):
		return word
	case r.P(0.5):
		return Pick(r, odd...)
	case r.P(0.5):
		return strings.ToUpper(word)
	default:
		return word + Pick(r, "", "x", "/", "*", " ")
	}
}

func oddlyAll(r *R, words []string) (out []string) {
	for _, w := range words {
		out = append(out, oddly(r, w))
	}
	return
}

// numbered gives words of a large vocabulary: more than 63 verbs, wide rules.
func numbered(r *R, prefix string, n, of int) (out []string) {
	for i := 0; i < n; i++ {
		out = append(out, fmt.Sprintf("%s%d", prefix, r.Intn(of)))
	}
	return
}

func some(r *R, max int, xs []string, star float64) []string {
	if r.P(star) {
		return []string{"*"}
	}
	out := Some(r, max, xs)
	if r.P(0.03) {
		out = append(out, "*")
	}
	return out
}

func randomURLs(r *R) []string {
	out := Some(r, 3, urls)
	if r.P(0.2) {
		out = append(out, Pick(r, "", "/", "/*", "**", "*", "/a*b", "/healthz**", "healthz", "/x/*/y", "/healthz/*/", "/HEALTHZ"))
	}
	return out
}

func randomResources(r *R) (rs []string) {
	for _, x := range some(r, 3, ress, 0.08) {
		switch {
		case r.P(0.2):
			x += "/" + Pick(r, subs...)
		case r.P(0.06):
			x = "*/" + Pick(r, subs...)
		case r.P(0.03):
			x += "/*"
		}
		rs = append(rs, x)
	}
	return
}

func randomRule(r *R, cluster bool) rbacv1.PolicyRule {
	if cluster && r.P(0.3) {
		return rbacv1.PolicyRule{Verbs: oddlyAll(r, some(r, 3, nverbs, 0.2)), NonResourceURLs: oddlyAll(r, randomURLs(r))}
	}
	pr := rbacv1.PolicyRule{
		Verbs:     oddlyAll(r, some(r, 5, verbs, 0.12)),
		APIGroups: oddlyAll(r, some(r, 2, apiGs, 0.12)),
		Resources: oddlyAll(r, randomResources(r)),
	}
	if r.P(0.22) {
		pr.ResourceNames = oddlyAll(r, Some(r, 3, names))
	}
	switch { // what validation would refuse, or nobody writes by hand
	case r.P(0.02): // both kinds, in any role
		pr.NonResourceURLs = randomURLs(r)
	case r.P(0.02):
		pr.Verbs = append(pr.Verbs, numbered(r, "verb", 80, 200)...)
	case r.P(0.01): // groups times resources is large
		pr.APIGroups, pr.Resources = append(pr.APIGroups, numbered(r, "group", 30, 40)...), append(pr.Resources, numbered(r, "res", 30, 40)...)
	case r.P(0.01):
		pr.ResourceNames = numbered(r, "name", 100, 150)
	case r.P(0.01):
		pr.Verbs = nil
	case r.P(0.01):
		pr.APIGroups = nil
	case r.P(0.01):
		pr.Resources = nil
	}
	return pr
}

func randomRules(r *R, cluster bool) (rules []rbacv1.PolicyRule) {
	for n := 1 + r.Intn(4); n > 0; n-- {
		rules = append(rules, randomRule(r, cluster))
	}
	if r.P(0.02) {
		rules = nil
	}
	return
}

// shape: how large a policy is, and how few its subjects are (few: each holds many roles).
type shape struct {
	roles, bindings, subjectsPerBinding int
	users, groups                       []string
	cases                               int
}

func randomShape(r *R) shape {
	s := shape{roles: 3 + r.Intn(8), bindings: 3 + r.Intn(8), subjectsPerBinding: 3, users: users, groups: groups, cases: 75}
	switch {
	case r.P(0.1):
		s.roles, s.bindings, s.cases = 20+r.Intn(30), 30+r.Intn(60), 200
		s.users, s.groups = users[:1+r.Intn(3)], groups[:1+r.Intn(3)]
	case r.P(0.05):
		s.subjectsPerBinding = 40
	case r.P(0.03):
		s.bindings = 0
	}
	return s
}

func randomSubject(r *R, s shape) rbacv1.Subject {
	switch x := r.Float64(); {
	case x < 0.45:
		if r.P(0.03) { // a user of a service account's name
			return subj("User", "", "system:serviceaccount:"+Pick(r, nss...)+":"+Pick(r, sas...))
		}
		return subj("User", Pick(r, "", "", "", Pick(r, nss...)), oddly(r, Pick(r, s.users...)))
	case x < 0.75:
		return subj("Group", "", oddly(r, Pick(r, s.groups...)))
	case x < 0.97:
		ns := Pick(r, nss...)
		if r.P(0.15) {
			ns = ""
		}
		return subj("ServiceAccount", oddly(r, ns), oddly(r, Pick(r, sas...)))
	default:
		return subj(Pick(r, "Robot", "user", "", "Serviceaccount", "User ", "*"), Pick(r, "", "ns1"), Pick(r, s.users...))
	}
}

func randomSubjects(r *R, s shape) (ss []rbacv1.Subject) {
	for n := 1 + r.Intn(s.subjectsPerBinding); n > 0; n-- {
		ss = append(ss, randomSubject(r, s))
	}
	if r.P(0.05) { // one twice
		ss = append(ss, ss[r.Intn(len(ss))])
	}
	if r.P(0.03) {
		ss = nil
	}
	return
}

func randomRef(r *R, kind string, of []string) rbacv1.RoleRef {
	name := "nothing"
	if len(of) > 0 {
		name = Pick(r, of...)
	}
	if r.P(0.07) {
		name = "missing-" + name
	}
	if r.P(0.02) {
		kind = Pick(r, "Role", "ClusterRole", "clusterrole", "", "Rolle\"")
	}
	if r.P(0.01) {
		name = Pick(r, odd...)
	}
	out := ref(kind, name)
	if r.P(0.02) {
		out.APIGroup = Pick(r, "", "apps")
	}
	return out
}

// randomPolicy also says how many cases are worth asking it.
func randomPolicy(r *R, id string) (*Policy, int) {
	s := randomShape(r)
	p := &Policy{ID: id}
	var crn, rn []string
	for i := 0; i < s.roles; i++ {
		name := fmt.Sprintf("cr-%d", i)
		if r.P(0.02) {
			name += Pick(r, ":a", " b", "\"q\"", "<&>", "\u00e9", "*")
		}
		crn = append(crn, name)
		x := &rbacv1.ClusterRole{ObjectMeta: md("", name), Rules: randomRules(r, true)}
		if len(p.ClusterRoles.Items) > 0 && r.P(0.05) { // the rules of another
			x.Rules = Pick(r, p.ClusterRoles.Items...).Rules
		}
		if r.P(0.2) { // aggregated, with the rules already filled in by the controller
			x.AggregationRule = &rbacv1.AggregationRule{ClusterRoleSelectors: []metav1.LabelSelector{{MatchLabels: map[string]string{fmt.Sprintf("rbac.example.com/aggregate-to-cr-%d", i): "true"}}}}
		}
		p.ClusterRoles.Items = append(p.ClusterRoles.Items, x)
	}
	taken := map[string]bool{}
	for i, n := 0, 2+r.Intn(s.roles); i < n; i++ {
		name, ns := fmt.Sprintf("role-%d", r.Intn(s.roles)), Pick(r, nss...)
		if taken[ns+"/"+name] {
			continue
		}
		taken[ns+"/"+name] = true
		rn = append(rn, name)
		p.Roles.Items = append(p.Roles.Items, &rbacv1.Role{ObjectMeta: md(ns, name), Rules: randomRules(r, false)})
	}
	for i := 0; i < s.bindings; i++ {
		p.ClusterRoleBindings.Items = append(p.ClusterRoleBindings.Items, &rbacv1.ClusterRoleBinding{ObjectMeta: md("", fmt.Sprintf("crb-%d", i)), RoleRef: randomRef(r, "ClusterRole", crn), Subjects: randomSubjects(r, s)})
	}
	for i, n := 0, r.Intn(2*s.bindings+2); i < n; i++ {
		role := randomRef(r, "Role", rn)
		if r.P(0.45) {
			role = randomRef(r, "ClusterRole", crn)
		}
		name := fmt.Sprintf("rb-%d", i)
		if r.P(0.01) {
			name += Pick(r, "\"", " ", "<&>", ":x")
		}
		p.RoleBindings.Items = append(p.RoleBindings.Items, &rbacv1.RoleBinding{ObjectMeta: md(Pick(r, nss...), name), RoleRef: role, Subjects: randomSubjects(r, s)})
	}
	p.build()
	return p, s.cases
}

// caller of a subject; for none of a known kind, its name as a user.
func caller(r *R, s rbacv1.Subject, bindNS string) (a Attrs) {
	switch s.Kind {
	case "Group":
		a.User, a.Groups = Pick(r, users...), []string{s.Name}
	case "ServiceAccount":
		ns := s.Namespace
		if ns == "" {
			ns = bindNS
		}
		a.User = "system:serviceaccount:" + ns + ":" + s.Name
		a.Groups = []string{"system:serviceaccounts", "system:serviceaccounts:" + ns}
	default:
		a.User = s.Name
	}
	return
}

func anybody(r *R) (a Attrs) {
	if r.P(0.3) {
		return caller(r, subj("ServiceAccount", Pick(r, nss...), Pick(r, sas...)), "")
	}
	a.User = oddly(r, Pick(r, users...))
	return
}

func addGroups(r *R, a *Attrs) {
	if r.P(0.4) {
		for _, g := range Some(r, 3, groups) {
			if g != "system:masters" || r.P(0.25) {
				a.Groups = append(a.Groups, oddly(r, g))
			}
		}
	}
	if r.P(0.02) { // more than an identity usually has
		for _, g := range r.Perm(30) {
			a.Groups = append(a.Groups, fmt.Sprintf("group-%d", g), groups[g%len(groups)])
		}
	}
	if r.P(0.5) {
		a.Groups = append(a.Groups, "system:authenticated")
	}
}

func anything(r *R, a *Attrs) {
	if r.P(0.15) {
		a.Verb, a.Path = oddly(r, Pick(r, nverbs...)), oddly(r, Pick(r, paths...))
		return
	}
	a.Resource = true
	a.Verb, a.APIGroup, a.ResourceN = oddly(r, Pick(r, verbs...)), oddly(r, Pick(r, apiGs...)), oddly(r, Pick(r, ress...))
	if r.P(0.3) {
		a.Subresource = oddly(r, Pick(r, subs...))
	}
	if r.P(0.5) {
		a.Name = oddly(r, Pick(r, names...))
	}
	if r.P(0.8) {
		a.Namespace = oddly(r, Pick(r, nss...))
	}
}

// pathOf asks for what a rule's URL matches, or nearly.
func pathOf(r *R, ru rbacv1.PolicyRule, a *Attrs) {
	*a = Attrs{User: a.User, Groups: a.Groups, Path: strings.TrimRight(Pick(r, ru.NonResourceURLs...), "*")}
	if r.P(0.6) {
		a.Path += Pick(r, "", "x", "/", "ping", "*")
	}
	if a.Path == "" && r.P(0.8) {
		a.Path = "/"
	}
	if r.P(0.02) {
		a.Namespace = Pick(r, nss...)
	}
	a.Verb = Pick(r, nverbs...)
	if len(ru.Verbs) > 0 && r.P(0.9) {
		if v := Pick(r, ru.Verbs...); v != "*" || r.P(0.05) {
			a.Verb = v
		}
	}
}

// resourceOf asks for what a rule gives; now and then one thing is spoiled.
func resourceOf(r *R, ru rbacv1.PolicyRule, bindNS string, a *Attrs) {
	a.Resource, a.Path = true, ""
	set := func(into *string, from []string) {
		if len(from) == 0 {
			return
		}
		if v := Pick(r, from...); v != "*" || r.P(0.02) {
			*into = v
		}
	}
	set(&a.Verb, ru.Verbs)
	set(&a.APIGroup, ru.APIGroups)
	var resource string
	set(&resource, ru.Resources)
	if resource != "" {
		a.ResourceN, a.Subresource, _ = strings.Cut(resource, "/")
		if a.ResourceN == "*" && r.P(0.95) {
			a.ResourceN = Pick(r, ress...)
		}
	}
	if len(ru.ResourceNames) > 0 && r.P(0.8) {
		a.Name = Pick(r, ru.ResourceNames...)
	}
	if bindNS != "" && r.P(0.9) {
		a.Namespace = bindNS
	}
	if r.P(0.25) {
		switch r.Intn(6) {
		case 0:
			a.Verb = Pick(r, verbs...)
		case 1:
			a.APIGroup = Pick(r, apiGs...)
		case 2:
			a.ResourceN = Pick(r, ress...)
		case 3:
			a.Subresource = Pick(r, subs...)
		case 4:
			a.Name = Pick(r, names...)
		case 5:
			a.Namespace = oddly(r, Pick(r, append(nss, "")...))
		}
	}
}

func (p *Policy) rulesOf(role rbacv1.RoleRef, ns string) []rbacv1.PolicyRule {
	for _, x := range p.ClusterRoles.Items {
		if role.Kind == "ClusterRole" && x.Name == role.Name {
			return x.Rules
		}
	}
	for _, x := range p.Roles.Items {
		if role.Kind == "Role" && x.Name == role.Name && x.Namespace == ns {
			return x.Rules
		}
	}
	return nil
}

// randomAttrs starts more often than not from a binding and a rule, so that enough requests are allowed.
func randomAttrs(r *R, p *Policy) Attrs {
	var bindNS string
	var ss []rbacv1.Subject
	var rr rbacv1.RoleRef
	if r.P(0.6) {
		if n := len(p.ClusterRoleBindings.Items); n > 0 && r.P(0.5) {
			b := p.ClusterRoleBindings.Items[r.Intn(n)]
			ss, rr = b.Subjects, b.RoleRef
		} else if n := len(p.RoleBindings.Items); n > 0 {
			b := p.RoleBindings.Items[r.Intn(n)]
			ss, rr, bindNS = b.Subjects, b.RoleRef, b.Namespace
		}
	}
	var a Attrs
	if len(ss) > 0 {
		a = caller(r, ss[r.Intn(len(ss))], bindNS)
	} else {
		a = anybody(r)
	}
	addGroups(r, &a)
	anything(r, &a)
	if rules := p.rulesOf(rr, bindNS); len(rules) > 0 && r.P(0.85) {
		if ru := rules[r.Intn(len(rules))]; len(ru.NonResourceURLs) > 0 && (len(ru.Resources) == 0 || r.P(0.5)) {
			pathOf(r, ru, &a)
		} else {
			resourceOf(r, ru, bindNS, &a)
		}
	}
	return a
}
