// SPDX-License-Identifier: Apache-2.0

// rbac: decisions of the real RBAC authorizer (behind the system:masters authorizer, as kube-apiserver builds it).
// Flags: -seed, -n (random cases), -out; -judge FILE decides the cases of that file again, over its policies as they are.
// Format: k8s-rbac/1.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"sort"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/authorization/union"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	rbaclisters "k8s.io/client-go/listers/rbac/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/registry/rbac/validation"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy"

	. "gatehouse/oracle/common"
)

type List[T any] struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Items      []*T   `json:"items"`
}

type Policy struct {
	ID                  string                          `json:"id"`
	Roles               List[rbacv1.Role]               `json:"roles"`
	ClusterRoles        List[rbacv1.ClusterRole]        `json:"clusterRoles"`
	RoleBindings        List[rbacv1.RoleBinding]        `json:"roleBindings"`
	ClusterRoleBindings List[rbacv1.ClusterRoleBinding] `json:"clusterRoleBindings"`

	authz    authorizer.Authorizer
	resolver *validation.DefaultRuleResolver
}

const apiv = "rbac.authorization.k8s.io/v1"

// ordered listers: the real informer caches iterate in map order; the oracle lists in file order.
type rbs []*rbacv1.RoleBinding

func (l rbs) ListRoleBindings(_ context.Context, ns string) (out []*rbacv1.RoleBinding, _ error) {
	for _, b := range l {
		if b.Namespace == ns {
			out = append(out, b)
		}
	}
	return
}

type crbs []*rbacv1.ClusterRoleBinding

func (l crbs) ListClusterRoleBindings(context.Context) ([]*rbacv1.ClusterRoleBinding, error) {
	return l, nil
}

func (p *Policy) build() {
	p.Roles.APIVersion, p.Roles.Kind = apiv, "RoleList"
	p.ClusterRoles.APIVersion, p.ClusterRoles.Kind = apiv, "ClusterRoleList"
	p.RoleBindings.APIVersion, p.RoleBindings.Kind = apiv, "RoleBindingList"
	p.ClusterRoleBindings.APIVersion, p.ClusterRoleBindings.Kind = apiv, "ClusterRoleBindingList"
	ri := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	for _, x := range p.Roles.Items {
		ri.Add(x)
	}
	ci := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	for _, x := range p.ClusterRoles.Items {
		ci.Add(x)
	}
	rg := &rbac.RoleGetter{Lister: rbaclisters.NewRoleLister(ri)}
	cg := &rbac.ClusterRoleGetter{Lister: rbaclisters.NewClusterRoleLister(ci)}
	rb, crb := rbs(p.RoleBindings.Items), crbs(p.ClusterRoleBindings.Items)
	p.resolver = validation.NewDefaultRuleResolver(rg, rb, cg, crb)
	p.authz = union.New(authorizerfactory.NewPrivilegedGroups(user.SystemPrivilegedGroup), rbac.New(rg, rb, cg, crb))
}

type Attrs struct {
	User        string   `json:"user"`
	Groups      []string `json:"groups"`
	Resource    bool     `json:"isResourceRequest"`
	Verb        string   `json:"verb"`
	APIGroup    string   `json:"apiGroup,omitempty"`
	Namespace   string   `json:"namespace,omitempty"`
	ResourceN   string   `json:"resource,omitempty"`
	Subresource string   `json:"subresource,omitempty"`
	Name        string   `json:"name,omitempty"`
	Path        string   `json:"path,omitempty"`
}

type Case struct {
	ID     string `json:"id"`
	Policy string `json:"policy"`
	Attrs
	Decision string `json:"decision"`
	Reason   string `json:"reason"`
	// Allows: every distinct reason that the real server may give (it meets bindings in no fixed order).
	Allows []string `json:"allReasons,omitempty"`
	Errors []string `json:"errors,omitempty"`
	Msg    string   `json:"forbidden,omitempty"`
}

func eval(p *Policy, id string, a Attrs) *Case {
	if a.Groups == nil {
		a.Groups = []string{}
	}
	rec := authorizer.AttributesRecord{
		User: &user.DefaultInfo{Name: a.User, Groups: a.Groups}, Verb: a.Verb, Namespace: a.Namespace, APIGroup: a.APIGroup,
		APIVersion: "v1", Resource: a.ResourceN, Subresource: a.Subresource, Name: a.Name, ResourceRequest: a.Resource, Path: a.Path,
	}
	d, reason, err := p.authz.Authorize(context.Background(), rec)
	Must(err)
	c := &Case{ID: id, Policy: p.ID, Attrs: a, Reason: reason}
	switch d {
	case authorizer.DecisionAllow:
		c.Decision = "allow"
	case authorizer.DecisionNoOpinion:
		c.Decision = "noOpinion"
		c.Msg = responsewriters.ForbiddenStatusError(rec, reason).ErrStatus.Message
	case authorizer.DecisionDeny:
		c.Decision = "deny"
	}
	seen := map[string]bool{}
	p.resolver.VisitRulesFor(context.Background(), rec.User, rec.Namespace, func(src fmt.Stringer, rule *rbacv1.PolicyRule, err error) bool {
		if rule != nil && rbac.RuleAllows(rec, rule) && !seen[src.String()] {
			seen[src.String()] = true
			c.Allows = append(c.Allows, "RBAC: allowed by "+src.String())
		}
		if err != nil {
			c.Errors = append(c.Errors, err.Error())
		}
		return true
	})
	if c.Decision == "allow" && c.Reason == "" {
		c.Allows = nil // system:masters: no reason at all
	} else if len(c.Allows) == 1 {
		c.Allows = nil // the same as reason
	}
	sort.Strings(c.Allows)
	return c
}

func bootstrap() *Policy {
	p := &Policy{ID: "bootstrap"}
	roles := append(bootstrappolicy.ClusterRoles(), bootstrappolicy.ControllerRoles()...)
	// aggregate, as kube-controller-manager does
	for i := range roles {
		if roles[i].AggregationRule == nil {
			continue
		}
		var rules []rbacv1.PolicyRule
		for _, s := range roles[i].AggregationRule.ClusterRoleSelectors {
			sel, err := metav1.LabelSelectorAsSelector(&s)
			Must(err)
			for j := range roles {
				if roles[j].Name != roles[i].Name && sel.Matches(setOf(roles[j].Labels)) {
					rules = append(rules, roles[j].Rules...)
				}
			}
		}
		roles[i].Rules = rules
	}
	// "view" is aggregated into "edit" into "admin": run to a fixed point (aggregated roles carry labels too)
	for pass := 0; pass < 3; pass++ {
		for i := range roles {
			if roles[i].AggregationRule == nil {
				continue
			}
			var rules []rbacv1.PolicyRule
			for _, s := range roles[i].AggregationRule.ClusterRoleSelectors {
				sel, _ := metav1.LabelSelectorAsSelector(&s)
				for j := range roles {
					if roles[j].Name == roles[i].Name || !sel.Matches(setOf(roles[j].Labels)) {
						continue
					}
					for _, r := range roles[j].Rules {
						dup := false
						for _, e := range rules {
							if fmt.Sprint(e) == fmt.Sprint(r) {
								dup = true
							}
						}
						if !dup {
							rules = append(rules, r)
						}
					}
				}
			}
			roles[i].Rules = rules
		}
	}
	for i := range roles {
		roles[i].TypeMeta = metav1.TypeMeta{}
		p.ClusterRoles.Items = append(p.ClusterRoles.Items, &roles[i])
	}
	for _, b := range append(bootstrappolicy.ClusterRoleBindings(), bootstrappolicy.ControllerRoleBindings()...) {
		p.ClusterRoleBindings.Items = append(p.ClusterRoleBindings.Items, &b)
	}
	nsr := bootstrappolicy.NamespaceRoles()
	for _, ns := range sortedKeys(nsr) {
		for _, r := range nsr[ns] {
			p.Roles.Items = append(p.Roles.Items, &r)
		}
	}
	nsb := bootstrappolicy.NamespaceRoleBindings()
	for _, ns := range sortedKeys(nsb) {
		for _, r := range nsb[ns] {
			p.RoleBindings.Items = append(p.RoleBindings.Items, &r)
		}
	}
	p.build()
	return p
}

type setOf map[string]string

func (s setOf) Has(k string) bool              { _, ok := s[k]; return ok }
func (s setOf) Get(k string) string            { return s[k] }
func (s setOf) Lookup(k string) (string, bool) { v, ok := s[k]; return v, ok }

func sortedKeys[V any](m map[string]V) (ks []string) {
	for k := range m {
		ks = append(ks, k)
	}
	sort.Strings(ks)
	return
}

// judge decides the cases of a file again.
func judge(file string) ([]*Policy, []*Case) {
	var given struct {
		Policies []*Policy `json:"policies"`
		Cases    []*Case   `json:"cases"`
	}
	text, err := os.ReadFile(file)
	Must(err)
	Must(json.Unmarshal(text, &given))
	byID := map[string]*Policy{}
	for _, p := range given.Policies {
		p.build()
		byID[p.ID] = p
	}
	var cases []*Case
	for _, c := range given.Cases {
		cases = append(cases, eval(byID[c.Policy], c.ID, c.Attrs))
	}
	return given.Policies, cases
}

// generate makes curated and random cases.
func generate(o Opts) (policies []*Policy, cases []*Case) {
	r := NewR(o.Seed)
	bp, bc := curatedPolicy()
	policies = append(policies, bp)
	for i, a := range bc {
		cases = append(cases, eval(bp, fmt.Sprintf("c%03d", i), a))
	}
	bs := bootstrap()
	policies = append(policies, bs)
	for i, a := range bootstrapCases() {
		cases = append(cases, eval(bs, fmt.Sprintf("b%03d", i), a))
	}
	for n := 0; n < o.N; {
		p, per := randomPolicy(r, fmt.Sprintf("p%02d", len(policies)))
		policies = append(policies, p)
		for k := 0; k < per && n < o.N; k++ {
			cases = append(cases, eval(p, fmt.Sprintf("r%04d", n), randomAttrs(r, p)))
			n++
		}
	}
	return
}

func main() {
	judged := flag.String("judge", "", "decide the cases of this file again")
	o := Parse(3000)
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	var policies []*Policy
	var cases []*Case
	if *judged != "" {
		policies, cases = judge(*judged)
	} else {
		policies, cases = generate(o)
	}
	Write(o, map[string]any{"format": "k8s-rbac/1", "kubernetes": KubernetesVersion, "seed": o.Seed, "policies": policies, "cases": cases})
}
