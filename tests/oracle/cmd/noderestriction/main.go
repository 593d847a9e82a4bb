// SPDX-License-Identifier: Apache-2.0

// noderestriction: what the real NodeRestriction admission plugin answers.
package main

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/authorization/union"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/authentication/install"
	_ "k8s.io/kubernetes/pkg/apis/certificates/install"
	_ "k8s.io/kubernetes/pkg/apis/coordination/install"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	_ "k8s.io/kubernetes/pkg/apis/resource/install"
	_ "k8s.io/kubernetes/pkg/apis/storage/install"
	"k8s.io/kubernetes/pkg/auth/nodeidentifier"
	"k8s.io/kubernetes/pkg/registry/rbac/validation"
	"k8s.io/kubernetes/plugin/pkg/admission/noderestriction"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac"

	. "gatehouse/oracle/common"
)

type M = map[string]any
type A = []any

type Case struct {
	ID          string          `json:"id"`
	Features    map[string]bool `json:"features,omitempty"`
	User        string          `json:"user"`
	Groups      []string        `json:"groups"`
	Operation   string          `json:"operation"`
	Group       string          `json:"apiGroup"`
	Version     string          `json:"apiVersion"`
	Resource    string          `json:"resource"`
	Subresource string          `json:"subresource,omitempty"`
	Namespace   string          `json:"namespace,omitempty"`
	Name        string          `json:"name,omitempty"`
	Object      M               `json:"object,omitempty"`
	OldObject   M               `json:"oldObject,omitempty"`

	Admitted bool   `json:"admitted"`
	Code     int32  `json:"code,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Message  string `json:"message,omitempty"`
}

// the world every case meets (what the plugin's listers hold)
func world() A {
	pod := func(ns, name, uid, node, sa string, vols A, ann M) M {
		p := M{"apiVersion": "v1", "kind": "Pod", "metadata": M{"namespace": ns, "name": name, "uid": uid}, "spec": M{"nodeName": node, "serviceAccountName": sa, "volumes": vols}}
		if ann != nil {
			p["metadata"].(M)["annotations"] = ann
		}
		return p
	}
	return A{
		M{"apiVersion": "v1", "kind": "Node", "metadata": M{"name": "n1", "uid": "node-uid-1"}},
		M{"apiVersion": "v1", "kind": "Node", "metadata": M{"name": "n2", "uid": "node-uid-2"}},
		pod("ns1", "mine", "pod-uid-1", "n1", "sa1", A{
			M{"name": "tok", "projected": M{"sources": A{M{"serviceAccountToken": M{"path": "t"}}, M{"serviceAccountToken": M{"path": "u", "audience": "vault"}}}}},
			M{"name": "csi", "csi": M{"driver": "csi-a"}},
			M{"name": "pvc", "persistentVolumeClaim": M{"claimName": "c1"}},
			M{"name": "eph", "ephemeral": M{"volumeClaimTemplate": M{"spec": M{"accessModes": A{"ReadWriteOnce"}, "resources": M{}}}}},
		}, nil),
		pod("ns1", "other", "pod-uid-2", "n2", "sa1", A{}, nil),
		pod("ns1", "unscheduled", "pod-uid-3", "", "sa1", A{}, nil),
		pod("ns1", "mirror", "pod-uid-4", "n1", "", A{}, M{"kubernetes.io/config.mirror": "x"}),
		pod("ns1", "broken-claims", "pod-uid-5", "n1", "sa1", A{M{"name": "pvc", "persistentVolumeClaim": M{"claimName": "gone"}}, M{"name": "csi", "csi": M{"driver": "no-such-driver"}}}, nil),
		M{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": M{"namespace": "ns1", "name": "sa1", "uid": "sa-uid-1"}},
		M{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": M{"namespace": "ns1", "name": "c1"}, "spec": M{"volumeName": "pv1", "resources": M{}}},
		M{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": M{"namespace": "ns1", "name": "mine-eph"}, "spec": M{"volumeName": "pv2", "resources": M{}}},
		M{"apiVersion": "v1", "kind": "PersistentVolume", "metadata": M{"name": "pv1"}, "spec": M{"csi": M{"driver": "csi-b", "volumeHandle": "h"}}},
		M{"apiVersion": "v1", "kind": "PersistentVolume", "metadata": M{"name": "pv2"}, "spec": M{"csi": M{"driver": "csi-c", "volumeHandle": "h"}}},
		M{"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": M{"name": "csi-a"}, "spec": M{"tokenRequests": A{M{"audience": "aud-a"}, M{"audience": "aud-a2"}}}},
		M{"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": M{"name": "csi-b"}, "spec": M{"tokenRequests": A{M{"audience": "aud-b"}}}},
		M{"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": M{"name": "csi-c"}, "spec": M{"tokenRequests": A{M{"audience": "aud-c"}}}},
		M{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": M{"name": "audiences"}, "rules": A{M{"verbs": A{"request-serviceaccounts-token-audience"}, "apiGroups": A{""}, "resources": A{"granted-aud"}, "resourceNames": A{"sa1"}}}},
		M{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": M{"name": "audiences"}, "roleRef": M{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "audiences"}, "subjects": A{M{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:nodes"}}},
	}
}

func conv[T any](m M) *T {
	b, err := json.Marshal(m)
	Must(err)
	t := new(T)
	Must(json.Unmarshal(b, t))
	return t
}

func newPlugin() *noderestriction.Plugin {
	f := informers.NewSharedInformerFactory(fake.NewClientset(), 0)
	var crs []*rbacv1.ClusterRole
	var crbs []*rbacv1.ClusterRoleBinding
	for _, x := range world() {
		m := x.(M)
		switch m["kind"] {
		case "Node":
			f.Core().V1().Nodes().Informer().GetIndexer().Add(conv[corev1.Node](m))
		case "Pod":
			f.Core().V1().Pods().Informer().GetIndexer().Add(conv[corev1.Pod](m))
		case "ServiceAccount":
			f.Core().V1().ServiceAccounts().Informer().GetIndexer().Add(conv[corev1.ServiceAccount](m))
		case "PersistentVolumeClaim":
			f.Core().V1().PersistentVolumeClaims().Informer().GetIndexer().Add(conv[corev1.PersistentVolumeClaim](m))
		case "PersistentVolume":
			f.Core().V1().PersistentVolumes().Informer().GetIndexer().Add(conv[corev1.PersistentVolume](m))
		case "CSIDriver":
			f.Storage().V1().CSIDrivers().Informer().GetIndexer().Add(conv[storagev1.CSIDriver](m))
		case "ClusterRole":
			crs = append(crs, conv[rbacv1.ClusterRole](m))
		case "ClusterRoleBinding":
			crbs = append(crbs, conv[rbacv1.ClusterRoleBinding](m))
		default:
			panic(m["kind"])
		}
	}
	_, static := validation.NewTestRuleResolver(nil, nil, crs, crbs)
	p := noderestriction.NewPlugin(nodeidentifier.NewDefaultNodeIdentifier())
	p.InspectFeatureGates(utilfeature.DefaultFeatureGate)
	p.SetExternalKubeInformerFactory(f)
	p.SetAuthorizer(union.New(authorizerfactory.NewPrivilegedGroups(user.SystemPrivilegedGroup), rbac.New(static, static, static, static)))
	Must(p.ValidateInitialization())
	return p
}

var plugin *noderestriction.Plugin
var cases []*Case

func decode(m M) runtime.Object {
	if m == nil {
		return nil
	}
	b, err := json.Marshal(m)
	Must(err)
	o, err := runtime.Decode(legacyscheme.Codecs.UniversalDecoder(), b)
	if err != nil {
		panic(fmt.Sprintf("%v: %s", err, b))
	}
	return o
}

var kinds = map[string]string{"pods": "Pod", "nodes": "Node", "persistentvolumeclaims": "PersistentVolumeClaim", "serviceaccounts": "ServiceAccount", "leases": "Lease", "csinodes": "CSINode", "resourceslices": "ResourceSlice", "certificatesigningrequests": "CertificateSigningRequest", "podcertificaterequests": "PodCertificateRequest", "configmaps": "ConfigMap", "events": "Event"}

func (c *Case) run() {
	if c.Groups == nil {
		c.Groups = []string{}
	}
	obj, old := decode(c.Object), decode(c.OldObject)
	// as the create handler does: with no name in the URL, the object's own
	if c.Operation == "CREATE" && c.Name == "" && obj != nil {
		a, err := meta.Accessor(obj)
		Must(err)
		c.Name = a.GetName()
	}
	attrs := admission.NewAttributesRecord(obj, old, schema.GroupVersionKind{Group: c.Group, Version: c.Version, Kind: kinds[c.Resource]}, c.Namespace, c.Name,
		schema.GroupVersionResource{Group: c.Group, Version: c.Version, Resource: c.Resource}, c.Subresource, admission.Operation(c.Operation), nil, false,
		&user.DefaultInfo{Name: c.User, Groups: c.Groups})
	var err error
	if plugin.Handles(attrs.GetOperation()) {
		err = plugin.Admit(context.Background(), attrs, nil)
	}
	c.Admitted = err == nil
	if err != nil {
		c.Message = err.Error()
		st := responsewriters.ErrorToAPIStatus(err) // what the handlers answer
		c.Code, c.Reason = st.Code, string(st.Reason)
		// the diff in this message is go-cmp output, which is not stable
		if i := strings.Index(c.Message, "status.quantity and status.conditions: "); i >= 0 {
			c.Message = c.Message[:i+len("status.quantity and status.conditions: ")] + "..."
		}
	}
	cases = append(cases, c)
}

func add(id string, c Case) {
	if c.User == "" {
		c.User, c.Groups = "system:node:n1", []string{"system:nodes", "system:authenticated"}
	}
	if c.Version == "" {
		c.Version = "v1"
	}
	c.ID = fmt.Sprintf("%s%03d", id, len(cases))
	c.run()
}

func csr(cn string, org ...string) string {
	k := ed25519.NewKeyFromSeed(make([]byte, 32))
	der, err := x509.CreateCertificateRequest(nil, &x509.CertificateRequest{Subject: pkix.Name{CommonName: cn, Organization: org}}, k)
	Must(err)
	return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

func clone(m M) M {
	b, _ := json.Marshal(m)
	var o M
	Must(json.Unmarshal(b, &o))
	return o
}

// set changes one path ("a.b.c") of a copy
func set(m M, path string, v any) M {
	o := clone(m)
	cur := o
	ps := strings.Split(path, "|")
	for _, p := range ps[:len(ps)-1] {
		if cur[p] == nil {
			cur[p] = M{}
		}
		cur = cur[p].(M)
	}
	if v == nil {
		delete(cur, ps[len(ps)-1])
	} else {
		cur[ps[len(ps)-1]] = v
	}
	return o
}

func mirror() M {
	return M{"apiVersion": "v1", "kind": "Pod", "metadata": M{"namespace": "ns1", "name": "static-n1", "annotations": M{"kubernetes.io/config.mirror": "h"},
		"ownerReferences": A{M{"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "node-uid-1", "controller": true}}},
		"spec": M{"nodeName": "n1", "containers": A{M{"name": "c", "image": "i"}}}}
}

func owner(kv ...any) A {
	o := M{"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "node-uid-1", "controller": true}
	for i := 0; i < len(kv); i += 2 {
		if kv[i+1] == nil {
			delete(o, kv[i].(string))
		} else {
			o[kv[i].(string)] = kv[i+1]
		}
	}
	return A{o}
}

var volumeKinds = map[string]any{
	"hostPath": M{"path": "/x"}, "emptyDir": M{}, "gcePersistentDisk": M{"pdName": "x"}, "awsElasticBlockStore": M{"volumeID": "x"}, "gitRepo": M{"repository": "x"}, "secret": M{"secretName": "x"}, "nfs": M{"server": "s", "path": "/"},
	"iscsi": M{"targetPortal": "x", "iqn": "x", "lun": 0}, "glusterfs": M{"endpoints": "x", "path": "y"}, "persistentVolumeClaim": M{"claimName": "x"}, "rbd": M{"monitors": A{"x"}, "image": "y"}, "flexVolume": M{"driver": "x"},
	"cinder": M{"volumeID": "x"}, "cephfs": M{"monitors": A{"x"}}, "flocker": M{"datasetName": "x"}, "downwardAPI": M{"items": A{}}, "fc": M{}, "azureFile": M{"secretName": "s", "shareName": "x"}, "configMap": M{"name": "x"}, "vsphereVolume": M{"volumePath": "x"},
	"quobyte": M{"registry": "x", "volume": "y"}, "azureDisk": M{"diskName": "x", "diskURI": "y"}, "photonPersistentDisk": M{"pdID": "x"}, "portworxVolume": M{"volumeID": "x"}, "scaleIO": M{"gateway": "x", "system": "y", "secretRef": M{"name": "z"}}, "storageos": M{"volumeName": "x"},
	"csi": M{"driver": "x"}, "ephemeral": M{"volumeClaimTemplate": M{"spec": M{"resources": M{}}}}, "image": M{"reference": "x"},
	"projected": M{"sources": A{M{"downwardAPI": M{"items": A{}}}}},
}
var volumeOrder = []string{"hostPath", "emptyDir", "gcePersistentDisk", "awsElasticBlockStore", "gitRepo", "secret", "nfs", "iscsi", "glusterfs", "persistentVolumeClaim", "rbd", "flexVolume", "cinder", "cephfs", "flocker", "downwardAPI", "fc", "azureFile", "configMap", "vsphereVolume", "quobyte", "azureDisk", "photonPersistentDisk", "portworxVolume", "scaleIO", "storageos", "csi", "ephemeral", "image", "projected"}
var projected = []M{{"secret": M{"name": "x"}}, {"configMap": M{"name": "x"}}, {"serviceAccountToken": M{"path": "x"}}, {"clusterTrustBundle": M{"name": "x", "path": "y"}}, {"podCertificate": M{"signerName": "a/b", "keyType": "ED25519", "credentialBundlePath": "c"}}, {"downwardAPI": M{"items": A{}}}, {}}

var labelKeys = []string{"foo", "example.com/x", "kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch", "beta.kubernetes.io/os", "beta.kubernetes.io/arch", "node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type", "topology.kubernetes.io/zone", "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region", "kubelet.kubernetes.io/x", "a.kubelet.kubernetes.io/x", "node.kubernetes.io/x", "a.b.node.kubernetes.io/x", "node-role.kubernetes.io/control-plane", "node-restriction.kubernetes.io/x", "a.node-restriction.kubernetes.io/x", "anode-restriction.kubernetes.io/x", "kubernetes.io/x", "x.kubernetes.io/y", "k8s.io/x", "x.k8s.io/y", "xk8s.io/y", "xkubernetes.io/y", "kubernetes.io", "node.kubernetes.io", "topology.kubernetes.io/other", "Kubernetes.io/x", "node-restriction.kubernetes.io", "kubernetes.io/hostname/x"}

func nodeObj(name string) M {
	return M{"apiVersion": "v1", "kind": "Node", "metadata": M{"name": name, "labels": M{"kubernetes.io/hostname": name}}}
}
func cpod(name string) M { // a pod to update the status of
	return M{"apiVersion": "v1", "kind": "Pod", "metadata": M{"namespace": "ns1", "name": name, "labels": M{"a": "b"}}, "spec": M{"nodeName": "n1", "containers": A{M{"name": "c", "image": "i"}}},
		"status": M{"phase": "Pending", "resourceClaimStatuses": A{M{"name": "rc", "resourceClaimName": "x"}}}}
}
func claim() M {
	return M{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": M{"namespace": "ns1", "name": "c1", "resourceVersion": "5", "labels": M{"a": "b"}}, "spec": M{"accessModes": A{"ReadWriteOnce"}, "resources": M{"requests": M{"storage": "1Gi"}}, "volumeName": "pv1"}, "status": M{"phase": "Bound", "capacity": M{"storage": "1Gi"}}}
}
func tokenReq(aud A, ref M) M {
	s := M{}
	if aud != nil {
		s["audiences"] = aud
	}
	if ref != nil {
		s["boundObjectRef"] = ref
	}
	return M{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": s}
}
func ref(kv ...string) M {
	m := M{"apiVersion": "v1", "kind": "Pod", "name": "mine", "uid": "pod-uid-1"}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	return m
}

func curated() {
	pods := func(op, sub, name string, o, old M) Case {
		return Case{Operation: op, Resource: "pods", Subresource: sub, Namespace: "ns1", Name: name, Object: o, OldObject: old}
	}
	as := func(c Case, u string, g ...string) Case { c.User, c.Groups = u, g; return c }
	c := func(x Case) { add("c", x) }
	// who
	bad := pods("CREATE", "", "", set(mirror(), "metadata|annotations", nil), nil)
	c(bad)
	c(as(bad, "alice", "system:authenticated"))
	c(as(bad, "system:node:n1", "system:authenticated"))
	c(as(bad, "system:node:", "system:nodes"))
	c(as(bad, "system:admin", "system:masters"))
	c(as(bad, "system:node:n1", "system:nodes", "system:masters"))
	c(as(bad, "nodex", "system:nodes"))
	// mirror pod create
	m := mirror()
	c(pods("CREATE", "", "", m, nil))
	c(as(pods("CREATE", "", "", m, nil), "system:node:n2", "system:nodes"))
	c(as(pods("CREATE", "", "", set(m, "spec|nodeName", "n9"), nil), "system:node:n9", "system:nodes"))
	n9 := set(set(m, "spec|nodeName", "n9"), "metadata|ownerReferences", owner("name", "n9"))
	c(as(pods("CREATE", "", "", n9, nil), "system:node:n9", "system:nodes"))
	for _, v := range []any{nil, "n2", ""} {
		c(pods("CREATE", "", "", set(m, "spec|nodeName", v), nil))
	}
	c(pods("CREATE", "", "", set(m, "metadata|annotations", M{"kubernetes.io/config.mirror": ""}), nil))
	c(pods("CREATE", "", "", set(m, "metadata|annotations", M{"kubernetes.io/config.source": "x"}), nil))
	for _, x := range []A{{}, nil, owner("name", "n2"), owner("kind", "Pod"), owner("apiVersion", "apps/v1"), owner("uid", "nope"), owner("uid", ""), owner("controller", nil), owner("controller", false), owner("blockOwnerDeletion", true), owner("blockOwnerDeletion", false), append(owner(), owner()...), append(owner(), owner("name", "n2")...)} {
		var v any = x
		if x == nil {
			v = nil
		}
		c(pods("CREATE", "", "", set(m, "metadata|ownerReferences", v), nil))
	}
	c(pods("CREATE", "", "", set(m, "spec|serviceAccountName", "sa1"), nil))
	c(pods("CREATE", "", "", set(m, "spec|serviceAccount", "sa1"), nil))
	c(pods("CREATE", "", "", set(m, "spec|imagePullSecrets", A{M{"name": "x"}}), nil))
	c(pods("CREATE", "", "", set(m, "spec|resourceClaims", A{M{"name": "x", "resourceClaimName": "y"}}), nil))
	for _, k := range []string{"containers", "initContainers", "ephemeralContainers"} {
		for _, e := range []M{{"envFrom": A{M{"secretRef": M{"name": "x"}}}}, {"envFrom": A{M{"configMapRef": M{"name": "x"}}}}, {"env": A{M{"name": "E", "valueFrom": M{"secretKeyRef": M{"name": "x", "key": "k"}}}}}, {"env": A{M{"name": "E", "valueFrom": M{"configMapKeyRef": M{"name": "x", "key": "k"}}}}}, {"env": A{M{"name": "E", "valueFrom": M{"fieldRef": M{"fieldPath": "metadata.name"}}}}}, {"env": A{M{"name": "E", "value": "v"}}}} {
			e["name"], e["image"] = "c", "i"
			c(pods("CREATE", "", "", set(m, "spec|"+k, A{e}), nil))
		}
	}
	for _, k := range volumeOrder {
		c(pods("CREATE", "", "", set(m, "spec|volumes", A{M{"name": "v", k: volumeKinds[k]}}), nil))
	}
	for _, k := range []string{"cephfs", "iscsi", "rbd", "flexVolume", "storageos", "cinder"} {
		v := clone(volumeKinds[k].(M))
		v["secretRef"] = M{"name": "sec"}
		c(pods("CREATE", "", "", set(m, "spec|volumes", A{M{"name": "v", k: v}}), nil))
	}
	for _, s := range projected {
		c(pods("CREATE", "", "", set(m, "spec|volumes", A{M{"name": "v", "projected": M{"sources": A{s}}}}), nil))
	}
	c(pods("CREATE", "", "", set(m, "spec|volumes", A{M{"name": "v"}}), nil)) // defaults to emptyDir
	// other operations on pods
	for _, n := range []string{"mine", "other", "unscheduled", "mirror", "nope", ""} {
		c(pods("DELETE", "", n, nil, nil))
	}
	c(pods("UPDATE", "", "mine", cpod("mine"), cpod("mine")))
	for _, s := range []string{"exec", "attach", "portforward", "proxy", "binding", "ephemeralcontainers", "resize", "log"} {
		c(pods("UPDATE", s, "mine", cpod("mine"), cpod("mine")))
		c(pods("CONNECT", s, "mine", nil, nil))
	}
	// pod status
	p := cpod("mine")
	c(pods("UPDATE", "status", "mine", p, p))
	c(pods("UPDATE", "status", "mine", set(p, "status|phase", "Running"), p))
	c(pods("UPDATE", "status", "mine", p, set(p, "spec|nodeName", "n2")))
	c(pods("UPDATE", "status", "mine", set(p, "spec|nodeName", "n2"), p))
	c(pods("UPDATE", "status", "mine", p, set(p, "spec|nodeName", nil)))
	c(pods("UPDATE", "status", "mine", set(p, "metadata|labels|a", "c"), p))
	c(pods("UPDATE", "status", "mine", set(p, "metadata|labels|z", "c"), p))
	c(pods("UPDATE", "status", "mine", set(p, "metadata|labels", nil), p))
	c(pods("UPDATE", "status", "mine", set(p, "metadata|labels", M{}), set(p, "metadata|labels", nil)))
	c(pods("UPDATE", "status", "mine", set(p, "metadata|annotations", M{"x": "y"}), p))
	for _, x := range []any{nil, A{}, A{M{"name": "rc"}}, A{M{"name": "rc", "resourceClaimName": "y"}}, A{M{"name": "rc2", "resourceClaimName": "x"}}, A{M{"name": "rc", "resourceClaimName": "x"}, M{"name": "rd"}}} {
		c(pods("UPDATE", "status", "mine", set(p, "status|resourceClaimStatuses", x), p))
	}
	ext := M{"resourceClaimName": "e", "requestMappings": A{M{"containerName": "c", "resourceName": "x/y", "requestName": "r"}}}
	pe := set(p, "status|extendedResourceClaimStatus", ext)
	c(pods("UPDATE", "status", "mine", pe, p))
	c(pods("UPDATE", "status", "mine", p, pe))
	c(pods("UPDATE", "status", "mine", pe, pe))
	c(pods("UPDATE", "status", "mine", set(pe, "status|extendedResourceClaimStatus|resourceClaimName", "f"), pe))
	c(pods("UPDATE", "status", "mine", set(pe, "status|extendedResourceClaimStatus|requestMappings", A{}), pe))
	c(pods("CREATE", "status", "mine", p, nil))
	c(pods("DELETE", "status", "mine", nil, p))
	// eviction
	ev := func(n string) M {
		return M{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": M{"name": n, "namespace": "ns1"}}
	}
	for _, n := range []string{"mine", "other", "unscheduled", "nope"} {
		c(pods("CREATE", "eviction", n, ev(n), nil))
	}
	c(pods("CREATE", "eviction", "mine", ev("other"), nil))
	c(pods("CREATE", "eviction", "other", ev("mine"), nil))
	c(pods("CREATE", "eviction", "", ev("mine"), nil))
	c(pods("CREATE", "eviction", "", ev(""), nil))
	c(pods("CREATE", "eviction", "mine", p, nil))
	c(pods("UPDATE", "eviction", "mine", ev("mine"), ev("mine")))
	// nodes
	node := func(op, sub, name string, o, old M) Case {
		return Case{Operation: op, Resource: "nodes", Subresource: sub, Name: name, Object: o, OldObject: old}
	}
	n := nodeObj("n1")
	c(node("CREATE", "", "", n, nil))
	c(node("CREATE", "", "", nodeObj("n2"), nil))
	c(node("CREATE", "", "", set(n, "metadata|name", nil), nil))
	c(node("CREATE", "", "", set(set(n, "metadata|name", nil), "metadata|generateName", "n"), nil))
	c(node("CREATE", "", "", set(n, "spec|taints", A{M{"key": "k", "effect": "NoSchedule"}}), nil))
	c(node("CREATE", "", "", set(n, "spec|configSource", M{"configMap": M{"name": "x", "namespace": "y", "kubeletConfigKey": "z"}}), nil))
	c(node("CREATE", "", "", set(n, "metadata|ownerReferences", owner()), nil))
	for _, k := range labelKeys {
		c(node("CREATE", "", "", set(n, "metadata|labels|"+k, "v"), nil))
		c(node("UPDATE", "", "n1", set(n, "metadata|labels|"+k, "v"), n))
	}
	c(node("CREATE", "", "", set(n, "metadata|labels", M{"z.k8s.io/b": "1", "a.k8s.io/b": "1", "foo": "x", "node-restriction.kubernetes.io/q": "1"}), nil))
	c(node("UPDATE", "", "n1", n, set(n, "metadata|labels|k8s.io/x", "v")))
	c(node("UPDATE", "", "n1", set(n, "metadata|labels|k8s.io/x", "w"), set(n, "metadata|labels|k8s.io/x", "v")))
	c(node("UPDATE", "", "n1", set(n, "metadata|labels|k8s.io/x", "v"), set(n, "metadata|labels|k8s.io/x", "v")))
	for _, s := range []string{"", "status"} {
		c(node("UPDATE", s, "n1", n, n))
		c(node("UPDATE", s, "n2", nodeObj("n2"), nodeObj("n2")))
		c(node("UPDATE", s, "n1", set(n, "spec|taints", A{M{"key": "k", "effect": "NoSchedule"}}), n))
		c(node("UPDATE", s, "n1", n, set(n, "spec|taints", A{M{"key": "k", "effect": "NoSchedule"}})))
		c(node("UPDATE", s, "n1", set(n, "spec|taints", A{}), n))
		c(node("UPDATE", s, "n1", set(n, "metadata|ownerReferences", owner()), n))
		c(node("UPDATE", s, "n1", n, set(n, "metadata|ownerReferences", owner())))
		c(node("UPDATE", s, "n1", set(n, "metadata|annotations", M{"a": "b"}), n))
		c(node("UPDATE", s, "n1", set(n, "spec|unschedulable", true), n))
		c(node("UPDATE", s, "n1", set(n, "spec|podCIDR", "10.0.0.0/24"), n))
		cs := M{"configMap": M{"name": "x", "namespace": "y", "kubeletConfigKey": "z"}}
		c(node("UPDATE", s, "n1", set(n, "spec|configSource", cs), n))
		c(node("UPDATE", s, "n1", set(n, "spec|configSource", cs), set(n, "spec|configSource", cs)))
		c(node("UPDATE", s, "n1", n, set(n, "spec|configSource", cs)))
		c(node("UPDATE", s, "n1", set(n, "metadata|labels|x.k8s.io/y", "v"), n))
	}
	c(node("DELETE", "", "n1", nil, n))
	c(node("DELETE", "", "n2", nil, n))
	c(node("DELETE", "", "", nil, nil))
	c(node("CONNECT", "proxy", "n2", nil, nil))
	// PVC status
	pvc := func(op, sub string, o, old M) Case {
		return Case{Operation: op, Resource: "persistentvolumeclaims", Subresource: sub, Namespace: "ns1", Name: "c1", Object: o, OldObject: old}
	}
	cl := claim()
	for _, x := range []struct {
		p string
		v any
	}{{"status|capacity|storage", "2Gi"}, {"status|capacity", nil}, {"status|conditions", A{M{"type": "Resizing", "status": "True"}}}, {"status|phase", "Lost"}, {"status|phase", nil}, {"status|accessModes", A{"ReadWriteOnce"}}, {"status|allocatedResources", M{"storage": "2Gi"}}, {"status|allocatedResourceStatuses", M{"storage": "NodeResizePending"}}, {"status|modifyVolumeStatus", M{"status": "Pending"}}, {"status|currentVolumeAttributesClassName", "x"}, {"metadata|labels|a", "c"}, {"metadata|annotations", M{"x": "y"}}, {"metadata|finalizers", A{"x/y"}}, {"metadata|resourceVersion", "6"}, {"metadata|resourceVersion", nil}, {"metadata|uid", "u"}, {"metadata|generation", 3}, {"metadata|managedFields", A{M{"manager": "m", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": M{}}}}, {"spec|volumeName", "pv9"}, {"spec|resources|requests|storage", "1024Mi"}, {"spec|resources|requests|storage", "2Gi"}, {"spec|volumeMode", "Filesystem"}, {"spec|volumeMode", "Block"}, {"metadata|labels", nil}, {"metadata|annotations", M{}}, {"metadata|finalizers", A{}}} {
		c(pvc("UPDATE", "status", set(cl, x.p, x.v), cl))
	}
	c(pvc("UPDATE", "status", cl, cl))
	c(pvc("UPDATE", "", cl, cl))
	c(pvc("CREATE", "", cl, nil))
	c(pvc("DELETE", "", nil, cl))
	c(pvc("CREATE", "status", cl, nil))
	// tokens
	tok := func(o M) Case {
		return Case{Operation: "CREATE", Resource: "serviceaccounts", Subresource: "token", Namespace: "ns1", Name: "sa1", Object: o}
	}
	for _, r := range []M{nil, ref(), ref("name", "other"), ref("name", "other", "uid", "pod-uid-2"), ref("name", "nope"), ref("uid", ""), ref("uid", "x"), ref("kind", "Secret"), ref("kind", "Node"), ref("apiVersion", "v2"), ref("apiVersion", ""), ref("name", ""), ref("name", "unscheduled", "uid", "pod-uid-3"), ref("name", "mirror", "uid", "pod-uid-4"), ref("name", "broken-claims", "uid", "pod-uid-5")} {
		c(tok(tokenReq(nil, r)))
		c(tok(tokenReq(A{"vault"}, r)))
	}
	for _, a := range []A{{}, {""}, {"vault"}, {"aud-a"}, {"aud-a2"}, {"aud-b"}, {"aud-c"}, {"aud-d"}, {"granted-aud"}, {"vault", "aud-a"}, {"vault", "vault"}, {"https://kubernetes.default.svc"}} {
		c(tok(tokenReq(a, ref())))
	}
	sa2 := tok(tokenReq(A{"granted-aud"}, ref()))
	sa2.Name = "sa2"
	c(sa2)
	nsx := tok(tokenReq(nil, ref()))
	nsx.Namespace = "ns2"
	c(nsx)
	c(as(tok(tokenReq(nil, ref())), "system:node:n2", "system:nodes"))
	sa := M{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": M{"namespace": "ns1", "name": "sa1"}}
	c(Case{Operation: "CREATE", Resource: "serviceaccounts", Namespace: "ns1", Object: sa})
	c(Case{Operation: "UPDATE", Resource: "serviceaccounts", Namespace: "ns1", Name: "sa1", Object: sa, OldObject: sa})
	c(Case{Operation: "DELETE", Resource: "serviceaccounts", Namespace: "ns1", Name: "sa1", OldObject: sa})
	// leases
	lease := func(op, ns, name, oname string) Case {
		o := M{"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": M{"namespace": ns, "name": oname}}
		x := Case{Operation: op, Group: "coordination.k8s.io", Resource: "leases", Namespace: ns, Name: name, Object: o}
		if op != "CREATE" {
			x.OldObject = o
		}
		if op == "DELETE" {
			x.Object = nil
		}
		return x
	}
	for _, op := range []string{"CREATE", "UPDATE", "DELETE"} {
		for _, ns := range []string{"kube-node-lease", "kube-system"} {
			for _, n := range []string{"n1", "n2", ""} {
				c(lease(op, ns, n, n))
			}
		}
	}
	c(lease("CREATE", "kube-node-lease", "n1", "n2"))
	c(lease("UPDATE", "kube-node-lease", "n1", "n2"))
	// CSI nodes
	for _, op := range []string{"CREATE", "UPDATE", "DELETE"} {
		for _, n := range []string{"n1", "n2"} {
			o := M{"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": M{"name": n}, "spec": M{"drivers": A{}}}
			x := Case{Operation: op, Group: "storage.k8s.io", Resource: "csinodes", Name: n, Object: o}
			if op != "CREATE" {
				x.OldObject = o
			}
			if op == "DELETE" {
				x.Object = nil
			}
			c(x)
		}
	}
	// resource slices
	for _, op := range []string{"CREATE", "UPDATE", "DELETE"} {
		for _, nn := range []any{"n1", "n2", "", nil} {
			o := M{"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": M{"name": "s"}, "spec": M{"driver": "d", "pool": M{"name": "p", "generation": 1, "resourceSliceCount": 1}}}
			if nn != nil {
				o["spec"].(M)["nodeName"] = nn
			} else {
				o["spec"].(M)["allNodes"] = true
			}
			x := Case{Operation: op, Group: "resource.k8s.io", Resource: "resourceslices", Name: "s", Object: o}
			if op != "CREATE" {
				x.OldObject = o
			}
			if op == "DELETE" {
				x.Object = nil
			}
			c(x)
		}
	}
	// CSRs
	for _, signer := range []string{"kubernetes.io/kubelet-serving", "kubernetes.io/kube-apiserver-client-kubelet", "kubernetes.io/kube-apiserver-client", "example.com/x", "kubernetes.io/legacy-unknown"} {
		for _, cn := range []string{"system:node:n1", "system:node:n2", "n1", "", "alice", "system:node:n1x"} {
			o := M{"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": M{"name": "csr"}, "spec": M{"signerName": signer, "usages": A{"client auth"}, "request": csr(cn, "system:nodes")}}
			c(Case{Operation: "CREATE", Group: "certificates.k8s.io", Resource: "certificatesigningrequests", Object: o})
		}
	}
	for _, rq := range []string{"", "bm90IHBlbQ==", base64.StdEncoding.EncodeToString([]byte("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n")), base64.StdEncoding.EncodeToString([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))} {
		o := M{"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": M{"name": "csr"}, "spec": M{"signerName": "kubernetes.io/kubelet-serving", "usages": A{"client auth"}, "request": rq}}
		c(Case{Operation: "CREATE", Group: "certificates.k8s.io", Resource: "certificatesigningrequests", Object: o})
		c(Case{Operation: "UPDATE", Group: "certificates.k8s.io", Resource: "certificatesigningrequests", Object: o, OldObject: o, Name: "csr"})
	}
	// anything else is not restricted
	cm := M{"apiVersion": "v1", "kind": "ConfigMap", "metadata": M{"namespace": "kube-system", "name": "x"}}
	c(Case{Operation: "CREATE", Resource: "configmaps", Namespace: "kube-system", Object: cm})
	c(Case{Operation: "DELETE", Resource: "configmaps", Namespace: "kube-system", Name: "x", OldObject: cm})
	pcr("c", false)
}

func pcr(id string, on bool) {
	base := M{"apiVersion": "certificates.k8s.io/v1beta1", "kind": "PodCertificateRequest", "metadata": M{"namespace": "ns1", "name": "r"}, "spec": M{"signerName": "a/b", "podName": "mine", "podUID": "pod-uid-1", "serviceAccountName": "sa1", "serviceAccountUID": "sa-uid-1", "nodeName": "n1", "nodeUID": "node-uid-1", "pkixPublicKey": "AA==", "proofOfPossession": "AA=="}}
	mk := func(op, sub string, o, old M) Case {
		x := Case{Operation: op, Group: "certificates.k8s.io", Version: "v1beta1", Resource: "podcertificaterequests", Subresource: sub, Namespace: "ns1", Name: "r", Object: o, OldObject: old}
		if on {
			x.Features = map[string]bool{"PodCertificateRequest": true}
		}
		return x
	}
	add(id, mk("CREATE", "", base, nil))
	if !on {
		return
	}
	add(id, mk("UPDATE", "", base, base))
	add(id, mk("DELETE", "", nil, base))
	add(id, mk("CREATE", "status", base, nil))
	for _, x := range [][2]string{{"nodeName", "n2"}, {"nodeUID", "x"}, {"podName", "nope"}, {"podName", "other"}, {"podUID", "x"}, {"serviceAccountName", "sa2"}, {"serviceAccountUID", "x"}} {
		add(id, mk("CREATE", "", set(base, "spec|"+x[0], x[1]), nil))
	}
	add(id, mk("CREATE", "", set(set(base, "spec|podName", "other"), "spec|podUID", "pod-uid-2"), nil))
	add(id, mk("CREATE", "", set(set(base, "spec|podName", "mirror"), "spec|podUID", "pod-uid-4"), nil))
	n9 := mk("CREATE", "", set(base, "spec|nodeName", "n9"), nil)
	n9.User, n9.Groups = "system:node:n9", []string{"system:nodes"}
	add(id, n9)
}

func random(r *R, id string) {
	node := Pick(r, "n1", "n1", "n1", "n2", "n9")
	c := Case{User: "system:node:" + node, Groups: []string{"system:nodes", "system:authenticated"}}
	if r.P(0.05) {
		c.Groups = []string{"system:authenticated"}
	}
	pick := func(xs ...any) any { return xs[r.Intn(len(xs))] }
	switch r.Intn(9) {
	case 0, 1: // mirror pod
		m := mirror()
		if node != "n1" && r.P(0.7) {
			m = set(set(m, "spec|nodeName", node), "metadata|ownerReferences", owner("name", node, "uid", map[string]string{"n2": "node-uid-2"}[node]))
		}
		for k := r.Intn(3); k > 0; k-- {
			switch r.Intn(6) {
			case 0:
				m = set(m, "spec|volumes", A{M{"name": "v0", "emptyDir": M{}}, M{"name": "v1", "hostPath": M{"path": "/"}}})
				if r.P(0.6) {
					v := Pick(r, volumeOrder...)
					m = set(m, "spec|volumes", A{M{"name": "v0", "emptyDir": M{}}, M{"name": "v", v: volumeKinds[v]}})
				}
			case 1:
				m = set(m, "spec|volumes", A{M{"name": "v", "projected": M{"sources": A{projected[5], projected[r.Intn(6)]}}}})
			case 2:
				m = set(m, "spec|containers", A{M{"name": "c", "image": "i", "envFrom": A{M{Pick(r, "secretRef", "configMapRef"): M{"name": Pick(r, "x", "")}}}}})
			case 3:
				m = set(m, "metadata|ownerReferences", owner(pick("controller", "blockOwnerDeletion"), pick(true, false)))
			case 4:
				m = set(m, "metadata|annotations", pick(nil, M{"kubernetes.io/config.mirror": "z", "a": "b"}, M{"a": "b"}))
			case 5:
				m = set(m, "spec|"+Pick(r, "serviceAccountName", "priorityClassName", "hostname"), "x")
			}
		}
		c.Operation, c.Resource, c.Namespace, c.Object = "CREATE", "pods", "ns1", m
	case 2: // node
		name := Pick(r, "n1", "n1", "n1", "n2")
		mk := func() M {
			n := nodeObj(name)
			for k := r.Intn(4); k > 0; k-- {
				n = set(n, "metadata|labels|"+Pick(r, labelKeys...), Pick(r, "v", "w"))
			}
			if r.P(0.15) {
				n = set(n, "spec|taints", A{M{"key": Pick(r, "a", "b"), "effect": "NoSchedule"}})
			}
			if r.P(0.1) {
				n = set(n, "spec|unschedulable", true)
			}
			return n
		}
		c.Resource, c.Name, c.Object = "nodes", name, mk()
		if r.P(0.4) {
			c.Operation = "CREATE"
		} else {
			c.Operation, c.OldObject = "UPDATE", mk()
			if r.P(0.6) {
				c.OldObject = clone(c.Object)
				if r.P(0.7) {
					c.Object = set(c.Object, "metadata|labels|"+Pick(r, labelKeys...), Pick(r, "v", "w"))
				}
			}
			c.Subresource = Pick(r, "", "status")
		}
	case 3: // pod status
		c.Operation, c.Resource, c.Subresource, c.Namespace, c.Name = "UPDATE", "pods", "status", "ns1", "mine"
		p := cpod("mine")
		if r.P(0.3) {
			p = set(p, "spec|nodeName", Pick(r, "n1", "n2"))
		}
		q := p
		switch r.Intn(6) {
		case 0:
			q = set(p, "metadata|labels|"+Pick(r, "a", "z"), Pick(r, "b", "c"))
		case 1:
			q = set(p, "status|resourceClaimStatuses", A{M{"name": Pick(r, "rc", "rd"), "resourceClaimName": Pick(r, "x", "y")}})
		case 2:
			q = set(p, "status|phase", "Running")
		case 3:
			q = set(p, "status|conditions", A{M{"type": "Ready", "status": "True"}})
		case 4:
			q = set(p, "status|extendedResourceClaimStatus", M{"resourceClaimName": "e", "requestMappings": A{}})
		}
		c.Object, c.OldObject = q, p
	case 4: // token
		pods := [][2]string{{"mine", "pod-uid-1"}, {"other", "pod-uid-2"}, {"unscheduled", "pod-uid-3"}, {"broken-claims", "pod-uid-5"}, {"nope", "x"}}
		x := pods[r.Intn(len(pods))]
		if r.P(0.5) {
			x = pods[0]
		}
		var aud A
		if r.P(0.8) {
			aud = A{Pick(r, "", "vault", "aud-a", "aud-b", "aud-c", "aud-z", "granted-aud")}
			if r.P(0.1) {
				aud = append(aud, "vault")
			}
		}
		c.Operation, c.Resource, c.Subresource, c.Namespace, c.Name = "CREATE", "serviceaccounts", "token", "ns1", Pick(r, "sa1", "sa1", "sa2")
		rf := ref("name", x[0], "uid", x[1])
		if r.P(0.1) {
			rf = set(rf, Pick(r, "uid", "kind", "apiVersion", "name"), Pick(r, "", "Node", "x"))
		}
		c.Object = tokenReq(aud, rf)
	case 5: // eviction, delete
		n := Pick(r, "mine", "other", "unscheduled", "mirror", "nope")
		c.Resource, c.Namespace, c.Name = "pods", "ns1", n
		if r.P(0.5) {
			c.Operation = "DELETE"
			break
		}
		c.Operation, c.Subresource = "CREATE", "eviction"
		c.Object = M{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": M{"name": Pick(r, "mine", "other"), "namespace": "ns1"}}
	case 6: // lease, csinode
		n := Pick(r, "n1", "n2", "")
		if r.P(0.6) {
			ns := Pick(r, "kube-node-lease", "kube-node-lease", "default")
			o := M{"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": M{"namespace": ns, "name": n}}
			c.Operation, c.Group, c.Resource, c.Namespace, c.Name, c.Object = Pick(r, "CREATE", "UPDATE", "DELETE"), "coordination.k8s.io", "leases", ns, n, o
		} else {
			o := M{"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": M{"name": n}, "spec": M{"drivers": A{}}}
			c.Operation, c.Group, c.Resource, c.Name, c.Object = Pick(r, "CREATE", "UPDATE", "DELETE"), "storage.k8s.io", "csinodes", n, o
		}
		if c.Operation != "CREATE" {
			c.OldObject = c.Object
		}
		if c.Operation == "DELETE" {
			c.Object = nil
		}
	case 7: // slice, csr
		if r.P(0.5) {
			o := M{"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": M{"name": "s"}, "spec": M{"driver": "d", "nodeName": Pick(r, "n1", "n2"), "pool": M{"name": "p", "generation": 1, "resourceSliceCount": 1}}}
			c.Operation, c.Group, c.Resource, c.Name = Pick(r, "CREATE", "UPDATE", "DELETE"), "resource.k8s.io", "resourceslices", "s"
			if c.Operation != "DELETE" {
				c.Object = o
			}
			if c.Operation != "CREATE" {
				c.OldObject = o
			}
		} else {
			c.Operation, c.Group, c.Resource = "CREATE", "certificates.k8s.io", "certificatesigningrequests"
			c.Object = M{"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": M{"name": "csr"}, "spec": M{"signerName": Pick(r, "kubernetes.io/kubelet-serving", "kubernetes.io/kube-apiserver-client-kubelet", "x/y"), "usages": A{"client auth"}, "request": csr(Pick(r, "system:node:n1", "system:node:n2", "bob"), "system:nodes")}}
		}
	case 8: // claim status
		o := claim()
		c.Operation, c.Resource, c.Subresource, c.Namespace, c.Name, c.OldObject = "UPDATE", "persistentvolumeclaims", "status", "ns1", "c1", o
		c.Object = o
		for k := r.Intn(3); k >= 0; k-- {
			switch r.Intn(7) {
			case 0:
				c.Object = set(c.Object, "status|capacity|storage", Pick(r, "1Gi", "2Gi"))
			case 1:
				c.Object = set(c.Object, "status|conditions", A{M{"type": Pick(r, "Resizing", "FileSystemResizePending"), "status": "True"}})
			case 2:
				c.Object = set(c.Object, "status|allocatedResources", M{"storage": "2Gi"})
			case 3:
				c.Object = set(c.Object, "status|phase", Pick(r, "Bound", "Lost"))
			case 4:
				c.Object = set(c.Object, "metadata|labels|a", Pick(r, "b", "c"))
			case 5:
				c.Object = set(c.Object, "metadata|resourceVersion", pick(nil, "5", "7"))
			case 6:
				c.Object = set(c.Object, "spec|resources|requests|storage", Pick(r, "1Gi", "1024Mi", "1073741824", "2Gi"))
			}
		}
	}
	add(id, c)
}

func main() {
	o := Parse(400)
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	plugin = newPlugin()
	curated()
	r := NewR(o.Seed)
	for i := 0; i < o.N; i++ {
		random(r, "r")
	}
	feats := map[string]bool{}
	for k, v := range utilfeature.DefaultMutableFeatureGate.GetAll() {
		switch string(k) {
		case "RecoverVolumeExpansionFailure", "DynamicResourceAllocation", "AllowInsecureKubeletCertificateSigningRequests", "ServiceAccountNodeAudienceRestriction", "PodCertificateRequest":
			feats[string(k)] = v.Default
		}
	}
	Must(utilfeature.DefaultMutableFeatureGate.Set("PodCertificateRequest=true"))
	plugin = newPlugin()
	pcr("f", true)
	_ = metav1.Now
	Write(o, map[string]any{"format": "k8s-noderestriction/1", "kubernetes": KubernetesVersion, "seed": o.Seed, "features": feats, "world": world(), "cases": cases})
}
