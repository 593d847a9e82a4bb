// SPDX-License-Identifier: Apache-2.0

// bootstrappolicy writes the default RBAC objects of the API server as YAML, one List per kind.
package main

import (
	"flag"
	"os"
	"path/filepath"
	"sort"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy"
	"sigs.k8s.io/yaml"

	. "gatehouse/oracle/common"
)

func keys[V any](m map[string]V) (ks []string) {
	for k := range m {
		ks = append(ks, k)
	}
	sort.Strings(ks)
	return
}

func write(dir, name, kind string, items any) {
	b, err := yaml.Marshal(map[string]any{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind + "List", "items": items})
	Must(err)
	Must(os.WriteFile(filepath.Join(dir, name), b, 0o644))
}

func main() {
	dir := flag.String("dir", ".", "")
	flag.Parse()
	Must(os.MkdirAll(*dir, 0o755))
	var roles []rbacv1.Role
	var rbs []rbacv1.RoleBinding
	for _, ns := range keys(bootstrappolicy.NamespaceRoles()) {
		roles = append(roles, bootstrappolicy.NamespaceRoles()[ns]...)
	}
	for _, ns := range keys(bootstrappolicy.NamespaceRoleBindings()) {
		rbs = append(rbs, bootstrappolicy.NamespaceRoleBindings()[ns]...)
	}
	crs, crbs := bootstrappolicy.ClusterRoles(), bootstrappolicy.ClusterRoleBindings()
	crs = append(crs, bootstrappolicy.ControllerRoles()...)
	crbs = append(crbs, bootstrappolicy.ControllerRoleBindings()...)
	set := func(t *metav1.TypeMeta, k string) { t.APIVersion, t.Kind = "rbac.authorization.k8s.io/v1", k }
	for i := range crs {
		set(&crs[i].TypeMeta, "ClusterRole")
	}
	for i := range crbs {
		set(&crbs[i].TypeMeta, "ClusterRoleBinding")
	}
	for i := range roles {
		set(&roles[i].TypeMeta, "Role")
	}
	for i := range rbs {
		set(&rbs[i].TypeMeta, "RoleBinding")
	}
	write(*dir, "clusterroles.yaml", "ClusterRole", crs)
	write(*dir, "clusterrolebindings.yaml", "ClusterRoleBinding", crbs)
	write(*dir, "roles.yaml", "Role", roles)
	write(*dir, "rolebindings.yaml", "RoleBinding", rbs)
	write(*dir, "node-rules.yaml", "PolicyRule", bootstrappolicy.NodeRules())
	println(len(crs), len(crbs), len(roles), len(rbs))
}
