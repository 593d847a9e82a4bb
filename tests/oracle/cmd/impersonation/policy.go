// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/authorization/union"
	rbaclisters "k8s.io/client-go/listers/rbac/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac"
)

type List[T any] struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Items      []*T   `json:"items"`
}

// Policy: the same form as in rbac.json.
type Policy struct {
	ID                  string                          `json:"id"`
	Roles               List[rbacv1.Role]               `json:"roles"`
	ClusterRoles        List[rbacv1.ClusterRole]        `json:"clusterRoles"`
	RoleBindings        List[rbacv1.RoleBinding]        `json:"roleBindings"`
	ClusterRoleBindings List[rbacv1.ClusterRoleBinding] `json:"clusterRoleBindings"`

	authz authorizer.Authorizer
}

type roleBindings []*rbacv1.RoleBinding

func (l roleBindings) ListRoleBindings(_ context.Context, namespace string) (out []*rbacv1.RoleBinding, _ error) {
	for _, b := range l {
		if b.Namespace == namespace {
			out = append(out, b)
		}
	}
	return out, nil
}

type clusterRoleBindings []*rbacv1.ClusterRoleBinding

func (l clusterRoleBindings) ListClusterRoleBindings(context.Context) ([]*rbacv1.ClusterRoleBinding, error) {
	return l, nil
}

func (p *Policy) build() {
	const version = "rbac.authorization.k8s.io/v1"
	p.Roles.APIVersion, p.Roles.Kind = version, "RoleList"
	p.ClusterRoles.APIVersion, p.ClusterRoles.Kind = version, "ClusterRoleList"
	p.RoleBindings.APIVersion, p.RoleBindings.Kind = version, "RoleBindingList"
	p.ClusterRoleBindings.APIVersion, p.ClusterRoleBindings.Kind = version, "ClusterRoleBindingList"
	roles := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	for _, role := range p.Roles.Items {
		must(roles.Add(role))
	}
	clusterRoles := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	for _, role := range p.ClusterRoles.Items {
		must(clusterRoles.Add(role))
	}
	p.authz = union.New(
		authorizerfactory.NewPrivilegedGroups(user.SystemPrivilegedGroup),
		rbac.New(
			&rbac.RoleGetter{Lister: rbaclisters.NewRoleLister(roles)}, roleBindings(p.RoleBindings.Items),
			&rbac.ClusterRoleGetter{Lister: rbaclisters.NewClusterRoleLister(clusterRoles)}, clusterRoleBindings(p.ClusterRoleBindings.Items),
		),
	)
}

const rbacGroup = "rbac.authorization.k8s.io"

// grant gives a user (or, with "@", a group) the rules: everywhere, or in one namespace.
func (p *Policy) grant(name, who, namespace string, rules ...rbacv1.PolicyRule) {
	subject := rbacv1.Subject{APIGroup: rbacGroup, Kind: "User", Name: who}
	if who[0] == '@' {
		subject = rbacv1.Subject{APIGroup: rbacGroup, Kind: "Group", Name: who[1:]}
	}
	if namespace == "" {
		p.ClusterRoles.Items = append(p.ClusterRoles.Items, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules})
		p.ClusterRoleBindings.Items = append(p.ClusterRoleBindings.Items, &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: rbacv1.RoleRef{APIGroup: rbacGroup, Kind: "ClusterRole", Name: name},
			Subjects: []rbacv1.Subject{subject}})
		return
	}
	p.Roles.Items = append(p.Roles.Items, &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Rules: rules})
	p.RoleBindings.Items = append(p.RoleBindings.Items, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, RoleRef: rbacv1.RoleRef{APIGroup: rbacGroup, Kind: "Role", Name: name},
		Subjects: []rbacv1.Subject{subject}})
}

func l(s ...string) []string { return s }

func rule(verbs, groups, resources []string, names ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{Verbs: verbs, APIGroups: groups, Resources: resources, ResourceNames: names}
}

func path(verbs []string, urls ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{Verbs: verbs, NonResourceURLs: urls}
}
