// SPDX-License-Identifier: Apache-2.0

// nodeauthz: decisions of the real Node authorizer, its graph fed by the real event handlers.
package main

import (
	"context"
	"fmt"
	"io"

	certsv1beta1 "k8s.io/api/certificates/v1beta1"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	certsinf "k8s.io/client-go/informers/certificates/v1beta1"
	coreinf "k8s.io/client-go/informers/core/v1"
	resourceinf "k8s.io/client-go/informers/resource/v1"
	storageinf "k8s.io/client-go/informers/storage/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/auth/nodeidentifier"
	"k8s.io/kubernetes/pkg/features"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/node"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy"
	"k8s.io/utils/ptr"

	. "gatehouse/oracle/common"
)

// fakeInformer hands its handler out so that the oracle can call it itself, in order.
type fakeInformer struct {
	cache.SharedIndexInformer
	h cache.ResourceEventHandler
}
type reg struct{}

func (reg) HasSynced() bool                     { return true }
func (reg) HasSyncedChecker() cache.DoneChecker { return nil }
func (f *fakeInformer) AddEventHandler(h cache.ResourceEventHandler) (cache.ResourceEventHandlerRegistration, error) {
	f.h = h
	return reg{}, nil
}

type (
	nodesI struct {
		coreinf.NodeInformer
		f *fakeInformer
	}
	podsI struct {
		coreinf.PodInformer
		f *fakeInformer
	}
	pvsI struct {
		coreinf.PersistentVolumeInformer
		f *fakeInformer
	}
	vasI struct {
		storageinf.VolumeAttachmentInformer
		f *fakeInformer
	}
	slicesI struct {
		resourceinf.ResourceSliceInformer
		f *fakeInformer
	}
	pcrsI struct {
		certsinf.PodCertificateRequestInformer
		f *fakeInformer
	}
)

func (x nodesI) Informer() cache.SharedIndexInformer  { return x.f }
func (x podsI) Informer() cache.SharedIndexInformer   { return x.f }
func (x pvsI) Informer() cache.SharedIndexInformer    { return x.f }
func (x vasI) Informer() cache.SharedIndexInformer    { return x.f }
func (x slicesI) Informer() cache.SharedIndexInformer { return x.f }
func (x pcrsI) Informer() cache.SharedIndexInformer   { return x.f }

type Step struct {
	// an event
	Event  string         `json:"event,omitempty"`
	Object runtime.Object `json:"object,omitempty"`
	// or a request
	ID  string   `json:"id,omitempty"`
	Req *Request `json:"request,omitempty"`

	Decision  string `json:"decision,omitempty"`
	Reason    string `json:"reason,omitempty"`
	Forbidden string `json:"forbidden,omitempty"`
}

type Request struct {
	User          string   `json:"user"`
	Groups        []string `json:"groups"`
	IsResource    bool     `json:"isResourceRequest"`
	Verb          string   `json:"verb"`
	APIGroup      string   `json:"apiGroup,omitempty"`
	Resource      string   `json:"resource,omitempty"`
	Subresource   string   `json:"subresource,omitempty"`
	Namespace     string   `json:"namespace,omitempty"`
	Name          string   `json:"name,omitempty"`
	Path          string   `json:"path,omitempty"`
	FieldSelector string   `json:"fieldSelector,omitempty"`
	FieldErr      string   `json:"fieldSelectorError,omitempty"`
}

type Scenario struct {
	ID       string          `json:"id"`
	Features map[string]bool `json:"features,omitempty"`
	Steps    []*Step         `json:"steps"`

	byKind map[string]*fakeInformer
	store  map[string]runtime.Object
	authz  authorizer.Authorizer
}

func newScenario(id string) *Scenario {
	s := &Scenario{ID: id, byKind: map[string]*fakeInformer{}, store: map[string]runtime.Object{}}
	for _, k := range []string{"Node", "Pod", "PersistentVolume", "VolumeAttachment", "ResourceSlice", "PodCertificateRequest"} {
		s.byKind[k] = &fakeInformer{}
	}
	g := node.NewGraph()
	node.AddGraphEventHandlers(g, nodesI{f: s.byKind["Node"]}, podsI{f: s.byKind["Pod"]}, pvsI{f: s.byKind["PersistentVolume"]},
		vasI{f: s.byKind["VolumeAttachment"]}, slicesI{f: s.byKind["ResourceSlice"]}, pcrsOrNil(s))
	s.authz = node.NewAuthorizer(g, nodeidentifier.NewDefaultNodeIdentifier(), bootstrappolicy.NodeRules())
	return s
}

func pcrsOrNil(s *Scenario) certsinf.PodCertificateRequestInformer {
	if utilfeature.DefaultFeatureGate.Enabled(features.PodCertificateRequest) {
		return pcrsI{f: s.byKind["PodCertificateRequest"]}
	}
	return nil
}

// event plays ADDED, MODIFIED or DELETED as an informer would.
func (s *Scenario) event(typ string, o runtime.Object) {
	kind := o.GetObjectKind().GroupVersionKind().Kind
	m, err := meta.Accessor(o)
	Must(err)
	key := kind + "/" + m.GetNamespace() + "/" + m.GetName()
	old := s.store[key]
	f := s.byKind[kind]
	if typ != "DELETED" {
		typ = "ADDED"
		if old != nil {
			typ = "MODIFIED"
		}
	} else if old == nil {
		return
	}
	if typ == "DELETED" {
		o = old // a watch gives the last state
	}
	s.Steps = append(s.Steps, &Step{Event: typ, Object: o.DeepCopyObject()})
	if f.h == nil {
		s.store[key] = o
		return
	}
	switch typ {
	case "ADDED":
		f.h.OnAdd(o, false)
		s.store[key] = o
	case "MODIFIED":
		f.h.OnUpdate(old, o)
		s.store[key] = o
	case "DELETED":
		f.h.OnDelete(old)
		delete(s.store, key)
	}
}

var count = map[string]int{}

func (s *Scenario) ask(prefix string, q Request) {
	if q.Groups == nil {
		q.Groups = []string{}
	}
	rec := authorizer.AttributesRecord{User: &user.DefaultInfo{Name: q.User, Groups: q.Groups}, Verb: q.Verb, APIGroup: q.APIGroup, APIVersion: "v1",
		Resource: q.Resource, Subresource: q.Subresource, Namespace: q.Namespace, Name: q.Name, ResourceRequest: q.IsResource, Path: q.Path}
	if q.FieldSelector != "" {
		sel, err := fields.ParseSelector(q.FieldSelector)
		if err != nil {
			rec.FieldSelectorParsingErr = err
			q.FieldErr = err.Error()
		} else {
			rec.FieldSelectorRequirements = sel.Requirements()
		}
	}
	d, reason, err := s.authz.Authorize(context.Background(), rec)
	Must(err)
	st := &Step{ID: fmt.Sprintf("%s%04d", prefix, count[prefix]), Req: &q, Reason: reason, Decision: "noOpinion"}
	count[prefix]++
	if d == authorizer.DecisionAllow {
		st.Decision = "allow"
	} else {
		st.Forbidden = responsewriters.ForbiddenStatusError(rec, reason).ErrStatus.Message
	}
	s.Steps = append(s.Steps, st)
}

func main() {
	o := Parse(1000)
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	var out []*Scenario
	out = append(out, curated()...)
	r := NewR(o.Seed)
	for n := 0; n < o.N; {
		s := newScenario(fmt.Sprintf("s%02d", len(out)))
		w := &world{r: r, s: s}
		for i := 0; i < 14; i++ {
			w.mutate()
		}
		for k := 0; k < 50 && n < o.N; k++ {
			if r.P(0.25) {
				w.mutate()
			}
			s.ask("r", w.request())
			n++
		}
		out = append(out, s)
	}
	// the gate is off by default in this version: one scenario with it on
	Must(utilfeature.DefaultMutableFeatureGate.Set("PodCertificateRequest=true"))
	out = append(out, curatedPCR())
	feats := map[string]bool{}
	for _, f := range []string{"AuthorizeNodeWithSelectors", "DynamicResourceAllocation", "KubeletServiceAccountTokenForCredentialProviders"} {
		for k, v := range utilfeature.DefaultMutableFeatureGate.GetAll() {
			if string(k) == f {
				feats[f] = v.Default
			}
		}
	}
	feats["PodCertificateRequest"] = false
	Write(o, map[string]any{"format": "k8s-node-authorizer/1", "kubernetes": KubernetesVersion, "seed": o.Seed, "features": feats, "scenarios": out})
}

func tm(kind, api string) metav1.TypeMeta { return metav1.TypeMeta{Kind: kind, APIVersion: api} }
func pod(ns, name, nodeName, uid string) *corev1.Pod {
	return &corev1.Pod{TypeMeta: tm("Pod", "v1"), ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name, UID: types.UID(uid)}, Spec: corev1.PodSpec{NodeName: nodeName}}
}
func pv(name string, src corev1.PersistentVolumeSource, cns, cname string) *corev1.PersistentVolume {
	p := &corev1.PersistentVolume{TypeMeta: tm("PersistentVolume", "v1"), ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PersistentVolumeSpec{PersistentVolumeSource: src}}
	if cname != "" {
		p.Spec.ClaimRef = &corev1.ObjectReference{Namespace: cns, Name: cname}
	}
	return p
}
func va(name, n string) *storagev1.VolumeAttachment {
	return &storagev1.VolumeAttachment{TypeMeta: tm("VolumeAttachment", "storage.k8s.io/v1"), ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: storagev1.VolumeAttachmentSpec{Attacher: "d", NodeName: n}}
}
func slice(name string, n *string) *resourcev1.ResourceSlice {
	return &resourcev1.ResourceSlice{TypeMeta: tm("ResourceSlice", "resource.k8s.io/v1"), ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: resourcev1.ResourceSliceSpec{Driver: "d", NodeName: n}}
}

func nodeReq(n string, verb, g, res, sub, ns, name string) Request {
	return Request{User: "system:node:" + n, Groups: []string{"system:nodes", "system:authenticated"}, IsResource: true, Verb: verb, APIGroup: g, Resource: res, Subresource: sub, Namespace: ns, Name: name}
}

func sr(n string) *corev1.SecretReference      { return &corev1.SecretReference{Name: n} }
func lor(n string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: n} }

func curated() (out []*Scenario) {
	add := func(id string) *Scenario { s := newScenario(id); out = append(out, s); return s }

	// who is a node
	s := add("identity")
	s.event("ADDED", func() runtime.Object {
		p := pod("ns1", "p1", "n1", "u1")
		p.Spec.ServiceAccountName = "sa1"
		return p
	}())
	for _, u := range []struct {
		n string
		g []string
	}{{"system:node:n1", []string{"system:nodes"}}, {"system:node:n1", nil}, {"system:node:n1", []string{"system:authenticated"}}, {"system:node:", []string{"system:nodes"}}, {"system:node", []string{"system:nodes"}}, {"n1", []string{"system:nodes"}}, {"System:node:n1", []string{"system:nodes"}}, {"system:node:n2", []string{"system:nodes"}}, {"system:node:n1 ", []string{"system:nodes"}}, {"system:node:N1", []string{"system:nodes"}}, {"system:nodes:n1", []string{"system:nodes"}}, {"", nil}, {"system:node:n1", []string{"x", "system:nodes", "system:masters"}}, {"system:node:ünïcode", []string{"system:nodes"}}} {
		q := nodeReq("", "get", "", "serviceaccounts", "", "ns1", "sa1")
		q.User, q.Groups = u.n, u.g
		s.ask("c", q)
		q.Resource, q.Name, q.Namespace = "services", "", ""
		s.ask("c", q)
		s.ask("c", Request{User: u.n, Groups: u.g, Verb: "get", Path: "/healthz"})
	}

	// static rules: every verb of every resource in the rules, and some others
	s = add("static-rules")
	for _, x := range []struct{ g, r, sub, ns, name string }{
		{"authentication.k8s.io", "tokenreviews", "", "", ""}, {"authorization.k8s.io", "subjectaccessreviews", "", "", ""}, {"authorization.k8s.io", "localsubjectaccessreviews", "", "ns1", ""}, {"authorization.k8s.io", "selfsubjectaccessreviews", "", "", ""},
		{"", "services", "", "", ""}, {"", "services", "", "ns1", "s"}, {"", "services", "status", "ns1", "s"}, {"", "endpoints", "", "ns1", "e"}, {"", "endpoints", "", "", ""},
		{"", "events", "", "ns1", "e"}, {"events.k8s.io", "events", "", "ns1", "e"}, {"", "nodes", "", "", "n1"}, {"", "nodes", "", "", "n2"}, {"", "nodes", "", "", ""}, {"", "nodes", "status", "", "n1"}, {"", "nodes", "status", "", "n2"}, {"", "nodes", "proxy", "", "n1"},
		{"", "pods", "", "ns1", "p"}, {"", "pods", "", "", ""}, {"", "pods", "status", "ns1", "p"}, {"", "pods", "eviction", "ns1", "p"}, {"", "pods", "exec", "ns1", "p"}, {"", "pods", "log", "ns1", "p"}, {"", "pods", "binding", "ns1", "p"}, {"", "pods", "ephemeralcontainers", "ns1", "p"}, {"", "pods", "resize", "ns1", "p"},
		{"certificates.k8s.io", "certificatesigningrequests", "", "", "c"}, {"certificates.k8s.io", "certificatesigningrequests", "approval", "", "c"}, {"certificates.k8s.io", "clustertrustbundles", "", "", ""}, {"certificates.k8s.io", "podcertificaterequests", "", "ns1", "c"},
		{"coordination.k8s.io", "leases", "", "kube-node-lease", "n1"}, {"coordination.k8s.io", "leases", "", "kube-node-lease", "n2"}, {"coordination.k8s.io", "leases", "", "kube-node-lease", ""}, {"coordination.k8s.io", "leases", "", "kube-system", "n1"}, {"coordination.k8s.io", "leases", "status", "kube-node-lease", "n1"},
		{"storage.k8s.io", "csinodes", "", "", "n1"}, {"storage.k8s.io", "csinodes", "", "", "n2"}, {"storage.k8s.io", "csinodes", "status", "", "n1"}, {"storage.k8s.io", "csinodes", "", "", ""}, {"storage.k8s.io", "csidrivers", "", "", "d"}, {"storage.k8s.io", "csidrivers", "", "", ""}, {"storage.k8s.io", "storageclasses", "", "", ""}, {"storage.k8s.io", "volumeattachments", "", "", "v"},
		{"node.k8s.io", "runtimeclasses", "", "", "r"}, {"resource.k8s.io", "resourceclaims", "", "ns1", "c"}, {"resource.k8s.io", "resourceclaims", "status", "ns1", "c"}, {"resource.k8s.io", "resourceslices", "", "", "s"}, {"resource.k8s.io", "resourceslices", "", "", ""}, {"resource.k8s.io", "resourceslices", "status", "", "s"}, {"resource.k8s.io", "deviceclasses", "", "", "d"},
		{"", "serviceaccounts", "", "ns1", "sa"}, {"", "serviceaccounts", "token", "ns1", "sa"}, {"", "serviceaccounts", "token", "ns1", ""}, {"", "serviceaccounts", "other", "ns1", "sa"},
		{"", "secrets", "", "ns1", "s"}, {"", "secrets", "", "ns1", ""}, {"", "secrets", "", "", ""}, {"", "secrets", "x", "ns1", "s"}, {"", "configmaps", "", "ns1", "c"}, {"", "configmaps", "", "", "c"}, {"", "persistentvolumeclaims", "", "ns1", "c"}, {"", "persistentvolumeclaims", "status", "ns1", "c"}, {"", "persistentvolumeclaims", "other", "ns1", "c"}, {"", "persistentvolumes", "", "", "v"}, {"", "persistentvolumes", "status", "", "v"},
		{"", "namespaces", "", "ns1", "ns1"}, {"apps", "daemonsets", "", "", ""}, {"bogus", "pods", "", "ns1", "p"}, {"bogus", "secrets", "", "ns1", "s"}, {"bogus", "nodes", "", "", "n1"}, {"metrics.k8s.io", "nodes", "", "", ""},
	} {
		for _, v := range []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"} {
			s.ask("c", nodeReq("n1", v, x.g, x.r, x.sub, x.ns, x.name))
		}
	}
	s.ask("c", nodeReq("n1", "proxy", "", "nodes", "", "", "n1"))
	s.ask("c", nodeReq("n1", "", "", "pods", "", "ns1", "p"))
	s.ask("c", Request{User: "system:node:n1", Groups: []string{"system:nodes"}, Verb: "get", Path: "/metrics"})

	// field selectors
	s = add("field-selectors")
	for _, fs := range []string{"spec.nodeName=n1", "spec.nodeName==n1", "spec.nodeName!=n1", "spec.nodeName=n2", "spec.nodeName=n1,status.phase=Running", "status.phase=Running,spec.nodeName=n1", "spec.nodeName=n1,spec.nodeName=n2", "spec.nodeName=", "spec.nodeName", "nodeName=n1", "metadata.name=p", "spec.nodeName=n1,,", "x,spec.nodeName=n1", "spec.nodename=n1", "spec.nodeName=N1", "spec.nodeName!=n2"} {
		for _, v := range []string{"list", "watch", "deletecollection", "get"} {
			q := nodeReq("n1", v, "", "pods", "", "", "")
			q.FieldSelector = fs
			s.ask("c", q)
			q.Namespace = "ns1"
			s.ask("c", q)
			q = nodeReq("n1", v, "resource.k8s.io", "resourceslices", "", "", "")
			q.FieldSelector = fs
			s.ask("c", q)
		}
	}
	// a watch of one pod, by name, with and without a relationship
	s.event("ADDED", pod("ns1", "p1", "n1", "u1"))
	for _, n := range []string{"p1", "p2"} {
		for _, v := range []string{"get", "list", "watch", "delete", "create"} {
			s.ask("c", nodeReq("n1", v, "", "pods", "", "ns1", n))
			s.ask("c", nodeReq("n2", v, "", "pods", "", "ns1", n))
		}
	}

	// every reference a pod can make
	s = add("pod-references")
	p := pod("ns1", "p1", "n1", "u1")
	p.Spec.ServiceAccountName = "sa1"
	p.Spec.ImagePullSecrets = []corev1.LocalObjectReference{lor("pull"), lor("")}
	env := func(x string) corev1.Container {
		return corev1.Container{Name: x, EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: lor(x + "-envfrom")}}, {ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: lor(x + "-cmfrom")}}},
			Env: []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: lor(x + "-env"), Key: "k"}}}, {Name: "B", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: lor(x + "-cm"), Key: "k", Optional: ptr.To(true)}}}}}
	}
	p.Spec.Containers = []corev1.Container{env("main")}
	p.Spec.InitContainers = []corev1.Container{env("init")}
	ec := env("eph")
	p.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "eph", Env: ec.Env, EnvFrom: ec.EnvFrom}}}
	v := func(n string, src corev1.VolumeSource) {
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: n, VolumeSource: src})
	}
	v("v1", corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "vol-secret"}})
	v("v2", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: lor("vol-cm")}})
	v("v3", corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{Secret: &corev1.SecretProjection{LocalObjectReference: lor("proj-secret")}}, {ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: lor("proj-cm")}}, {ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "t"}}}}})
	v("v4", corev1.VolumeSource{AzureFile: &corev1.AzureFileVolumeSource{SecretName: "azure", ShareName: "x"}})
	v("v5", corev1.VolumeSource{CephFS: &corev1.CephFSVolumeSource{SecretRef: ptr.To(lor("ceph"))}})
	v("v6", corev1.VolumeSource{Cinder: &corev1.CinderVolumeSource{SecretRef: ptr.To(lor("cinder"))}})
	v("v7", corev1.VolumeSource{FlexVolume: &corev1.FlexVolumeSource{SecretRef: ptr.To(lor("flex"))}})
	v("v8", corev1.VolumeSource{RBD: &corev1.RBDVolumeSource{SecretRef: ptr.To(lor("rbd"))}})
	v("v9", corev1.VolumeSource{ScaleIO: &corev1.ScaleIOVolumeSource{SecretRef: ptr.To(lor("scaleio"))}})
	v("v10", corev1.VolumeSource{ISCSI: &corev1.ISCSIVolumeSource{SecretRef: ptr.To(lor("iscsi"))}})
	v("v11", corev1.VolumeSource{StorageOS: &corev1.StorageOSVolumeSource{SecretRef: ptr.To(lor("storageos"))}})
	v("v12", corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: "d", NodePublishSecretRef: ptr.To(lor("csi"))}})
	v("v13", corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "claim1"}})
	v("v14", corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{}}})
	v("v15", corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}})
	p.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "rc1", ResourceClaimName: ptr.To("direct-claim")}, {Name: "rc2", ResourceClaimTemplateName: ptr.To("tmpl")}, {Name: "rc3", ResourceClaimTemplateName: ptr.To("tmpl")}, {Name: "rc4"}, {Name: "rc5", ResourceClaimTemplateName: ptr.To("tmpl")}}
	p.Status.ResourceClaimStatuses = []corev1.PodResourceClaimStatus{{Name: "rc2", ResourceClaimName: ptr.To("generated-claim")}, {Name: "rc5"}}
	p.Status.ExtendedResourceClaimStatus = &corev1.PodExtendedResourceClaimStatus{ResourceClaimName: "extended-claim"}
	s.event("ADDED", p)
	askAll := func(n string) {
		for _, x := range []string{"pull", "", "main-env", "main-envfrom", "init-env", "init-envfrom", "eph-env", "eph-envfrom", "vol-secret", "proj-secret", "azure", "ceph", "cinder", "flex", "rbd", "scaleio", "iscsi", "storageos", "csi", "other", "main-cm"} {
			s.ask("c", nodeReq(n, "get", "", "secrets", "", "ns1", x))
		}
		for _, x := range []string{"main-cm", "main-cmfrom", "init-cm", "init-cmfrom", "eph-cm", "eph-cmfrom", "vol-cm", "proj-cm", "kube-root-ca.crt", "vol-secret"} {
			s.ask("c", nodeReq(n, "get", "", "configmaps", "", "ns1", x))
		}
		for _, x := range []string{"claim1", "p1-v14", "p1-v15", "v14", "nope"} {
			s.ask("c", nodeReq(n, "get", "", "persistentvolumeclaims", "", "ns1", x))
			s.ask("c", nodeReq(n, "update", "", "persistentvolumeclaims", "status", "ns1", x))
		}
		for _, x := range []string{"direct-claim", "generated-claim", "extended-claim", "rc1", "tmpl", "p1-rc3"} {
			s.ask("c", nodeReq(n, "get", "resource.k8s.io", "resourceclaims", "", "ns1", x))
		}
		for _, x := range []string{"sa1", "default"} {
			s.ask("c", nodeReq(n, "get", "", "serviceaccounts", "", "ns1", x))
			s.ask("c", nodeReq(n, "create", "", "serviceaccounts", "token", "ns1", x))
		}
		s.ask("c", nodeReq(n, "get", "", "secrets", "", "ns2", "vol-secret"))
		s.ask("c", nodeReq(n, "watch", "", "secrets", "", "ns1", "vol-secret"))
		s.ask("c", nodeReq(n, "list", "", "secrets", "", "ns1", "vol-secret"))
		s.ask("c", nodeReq(n, "get", "", "secrets", "", "", "vol-secret"))
	}
	askAll("n1")
	s.ask("c", nodeReq("n2", "get", "", "secrets", "", "ns1", "vol-secret"))
	s.event("DELETED", p)
	askAll("n1")

	// mirror pods give nothing; a pod with no node gives nothing; a status change counts only in part
	s = add("pod-lifecycle")
	m := pod("ns1", "mirror", "n1", "u1")
	m.Annotations = map[string]string{"kubernetes.io/config.mirror": ""}
	m.Spec.ServiceAccountName = "sa1"
	m.Spec.Volumes = []corev1.Volume{{Name: "a", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s1"}}}}
	s.event("ADDED", m)
	get := func(n, res, name string) { s.ask("c", nodeReq(n, "get", "", res, "", "ns1", name)) }
	get("n1", "pods", "mirror")
	get("n1", "secrets", "s1")
	get("n1", "serviceaccounts", "sa1")
	p2 := pod("ns1", "p2", "", "u2")
	p2.Spec.Volumes = m.Spec.Volumes
	s.event("ADDED", p2)
	get("n1", "secrets", "s1")
	get("n1", "pods", "p2")
	p2 = p2.DeepCopy()
	p2.Spec.NodeName = "n1"
	s.event("MODIFIED", p2)
	get("n1", "secrets", "s1")
	get("n1", "pods", "p2")
	get("n2", "pods", "p2")
	// same node and uid: a new volume is not seen
	p2 = p2.DeepCopy()
	p2.Spec.Volumes = append(p2.Spec.Volumes, corev1.Volume{Name: "b", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s2"}}})
	s.event("MODIFIED", p2)
	get("n1", "secrets", "s2")
	// a new ephemeral container is seen, and brings everything in
	p2 = p2.DeepCopy()
	p2.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "e", EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: lor("s3")}}}}}}
	s.event("MODIFIED", p2)
	get("n1", "secrets", "s2")
	get("n1", "secrets", "s3")
	// resource claim statuses are seen, extended resource claim status alone is not
	p2 = p2.DeepCopy()
	p2.Status.ExtendedResourceClaimStatus = &corev1.PodExtendedResourceClaimStatus{ResourceClaimName: "ext"}
	s.event("MODIFIED", p2)
	rc := func(n, name string) {
		s.ask("c", nodeReq(n, "get", "resource.k8s.io", "resourceclaims", "", "ns1", name))
	}
	rc("n1", "ext")
	p2 = p2.DeepCopy()
	p2.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "rc", ResourceClaimTemplateName: ptr.To("t")}}
	p2.Status.ResourceClaimStatuses = []corev1.PodResourceClaimStatus{{Name: "rc", ResourceClaimName: ptr.To("gen")}}
	s.event("MODIFIED", p2)
	rc("n1", "ext")
	rc("n1", "gen")
	// finished pods keep their access until they are deleted
	p2 = p2.DeepCopy()
	p2.Status.Phase = corev1.PodSucceeded
	s.event("MODIFIED", p2)
	get("n1", "secrets", "s3")
	// recreated with another uid on another node
	p3 := p2.DeepCopy()
	p3.UID, p3.Spec.NodeName = "u3", "n2"
	s.event("MODIFIED", p3)
	get("n1", "secrets", "s3")
	get("n2", "secrets", "s3")
	get("n1", "pods", "p2")
	s.event("DELETED", p3)
	get("n2", "secrets", "s3")
	get("n2", "pods", "p2")

	// volumes
	s = add("volumes")
	pp := pod("ns1", "p1", "n1", "u1")
	pp.Spec.Volumes = []corev1.Volume{{Name: "a", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "c1"}}}}
	srcs := map[string]corev1.PersistentVolumeSource{
		"csi":        {CSI: &corev1.CSIPersistentVolumeSource{Driver: "d", ControllerPublishSecretRef: &corev1.SecretReference{Name: "cp", Namespace: "ns1"}, ControllerExpandSecretRef: &corev1.SecretReference{Name: "ce", Namespace: "ns1"}, NodePublishSecretRef: &corev1.SecretReference{Name: "np", Namespace: "ns1"}, NodeStageSecretRef: &corev1.SecretReference{Name: "nst", Namespace: "storage"}, NodeExpandSecretRef: &corev1.SecretReference{Name: "ne", Namespace: "ns1"}}},
		"azure":      {AzureFile: &corev1.AzureFilePersistentVolumeSource{SecretName: "az"}},
		"azure-ns":   {AzureFile: &corev1.AzureFilePersistentVolumeSource{SecretName: "az2", SecretNamespace: ptr.To("storage")}},
		"ceph":       {CephFS: &corev1.CephFSPersistentVolumeSource{SecretRef: sr("ceph")}},
		"ceph-ns":    {CephFS: &corev1.CephFSPersistentVolumeSource{SecretRef: &corev1.SecretReference{Name: "ceph2", Namespace: "storage"}}},
		"cinder":     {Cinder: &corev1.CinderPersistentVolumeSource{SecretRef: sr("cinder")}},
		"flex":       {FlexVolume: &corev1.FlexPersistentVolumeSource{SecretRef: sr("flex")}},
		"rbd":        {RBD: &corev1.RBDPersistentVolumeSource{SecretRef: sr("rbd")}},
		"scaleio":    {ScaleIO: &corev1.ScaleIOPersistentVolumeSource{SecretRef: sr("scaleio")}},
		"iscsi":      {ISCSI: &corev1.ISCSIPersistentVolumeSource{SecretRef: sr("iscsi")}},
		"storageos":  {StorageOS: &corev1.StorageOSPersistentVolumeSource{SecretRef: &corev1.ObjectReference{Name: "storageos"}}},
		"storageos2": {StorageOS: &corev1.StorageOSPersistentVolumeSource{SecretRef: &corev1.ObjectReference{Name: "storageos2", Namespace: "ns1"}}},
		"hostpath":   {HostPath: &corev1.HostPathVolumeSource{Path: "/x"}},
	}
	order := []string{"csi", "azure", "azure-ns", "ceph", "ceph-ns", "cinder", "flex", "rbd", "scaleio", "iscsi", "storageos", "storageos2", "hostpath"}
	vget := func(n string) {
		for _, k := range order {
			s.ask("c", nodeReq(n, "get", "", "persistentvolumes", "", "", k))
		}
		for _, x := range []string{"cp", "ce", "np", "ne", "az", "ceph", "cinder", "flex", "rbd", "scaleio", "iscsi", "storageos", "storageos2"} {
			s.ask("c", nodeReq(n, "get", "", "secrets", "", "ns1", x))
		}
		for _, x := range []string{"nst", "az2", "ceph2", "az"} {
			s.ask("c", nodeReq(n, "get", "", "secrets", "", "storage", x))
		}
	}
	for _, k := range order {
		s.event("ADDED", pv(k, srcs[k], "ns1", "c1"))
	}
	vget("n1")
	s.event("ADDED", pp)
	vget("n1")
	s.ask("c", nodeReq("n2", "get", "", "persistentvolumes", "", "", "csi"))
	s.event("DELETED", pp)
	vget("n1")
	s.event("ADDED", pp)
	s.event("MODIFIED", pv("csi", srcs["csi"], "", ""))
	s.ask("c", nodeReq("n1", "get", "", "persistentvolumes", "", "", "csi"))
	s.ask("c", nodeReq("n1", "get", "", "secrets", "", "ns1", "np"))
	s.event("DELETED", pv("rbd", srcs["rbd"], "ns1", "c1"))
	s.ask("c", nodeReq("n1", "get", "", "persistentvolumes", "", "", "rbd"))
	s.ask("c", nodeReq("n1", "get", "", "secrets", "", "ns1", "rbd"))
	s.event("MODIFIED", pv("iscsi", srcs["iscsi"], "ns2", "c1"))
	s.ask("c", nodeReq("n1", "get", "", "persistentvolumes", "", "", "iscsi"))
	for _, e := range []struct{ ev, n string }{{"ADDED", "n1"}, {"MODIFIED", "n2"}, {"MODIFIED", ""}, {"MODIFIED", "n1"}, {"DELETED", "n1"}} {
		s.event(e.ev, va("va1", e.n))
		for _, n := range []string{"n1", "n2"} {
			s.ask("c", nodeReq(n, "get", "storage.k8s.io", "volumeattachments", "", "", "va1"))
		}
	}
	for _, v := range []string{"list", "watch", "create", "delete"} {
		s.ask("c", nodeReq("n1", v, "storage.k8s.io", "volumeattachments", "", "", "va1"))
	}

	// resource slices
	s = add("resource-slices")
	s.event("ADDED", slice("sl1", ptr.To("n1")))
	s.event("ADDED", slice("sl2", nil))
	s.event("ADDED", slice("sl3", ptr.To("")))
	for _, n := range []string{"n1", "n2"} {
		for _, x := range []string{"sl1", "sl2", "sl3", "sl4", ""} {
			for _, v := range []string{"get", "update", "patch", "delete", "create"} {
				s.ask("c", nodeReq(n, v, "resource.k8s.io", "resourceslices", "", "", x))
			}
		}
	}
	s.event("DELETED", slice("sl1", ptr.To("n1")))
	s.ask("c", nodeReq("n1", "get", "resource.k8s.io", "resourceslices", "", "", "sl1"))
	return
}

func curatedPCR() *Scenario {
	s := newScenario("pod-certificate-requests")
	s.Features = map[string]bool{"PodCertificateRequest": true}
	mk := func(name, n string) *certsv1beta1.PodCertificateRequest {
		return &certsv1beta1.PodCertificateRequest{TypeMeta: tm("PodCertificateRequest", "certificates.k8s.io/v1beta1"), ObjectMeta: metav1.ObjectMeta{Namespace: "ns1", Name: name}, Spec: certsv1beta1.PodCertificateRequestSpec{NodeName: types.NodeName(n), PodName: "p"}}
	}
	s.event("ADDED", mk("r1", "n1"))
	s.event("ADDED", mk("r2", "n2"))
	for _, v := range []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"} {
		for _, x := range []string{"r1", "r2", ""} {
			for _, fs := range []string{"", "spec.nodeName=n1", "spec.nodeName=n2"} {
				q := nodeReq("n1", v, "certificates.k8s.io", "podcertificaterequests", "", "ns1", x)
				q.FieldSelector = fs
				s.ask("c", q)
			}
		}
		s.ask("c", nodeReq("n1", v, "certificates.k8s.io", "podcertificaterequests", "status", "ns1", "r1"))
	}
	s.event("DELETED", mk("r1", "n1"))
	s.ask("c", nodeReq("n1", "get", "certificates.k8s.io", "podcertificaterequests", "", "ns1", "r1"))
	return s
}

type world struct {
	r   *R
	s   *Scenario
	uid int
}

var (
	wNodes = []string{"n1", "n2", "n3"}
	wNS    = []string{"a", "b"}
	wPods  = []string{"p1", "p2", "p3", "p4", "p5"}
	wNames = []string{"x", "y", "z", "w"}
	wPVs   = []string{"pv1", "pv2", "pv3", "pv4"}
	wSAs   = []string{"default", "robot"}
)

func (w *world) src() corev1.PersistentVolumeSource {
	ref := func() *corev1.SecretReference {
		x := &corev1.SecretReference{Name: Pick(w.r, wNames...)}
		if w.r.P(0.6) {
			x.Namespace = Pick(w.r, wNS...)
		}
		return x
	}
	switch w.r.Intn(6) {
	case 0:
		return corev1.PersistentVolumeSource{RBD: &corev1.RBDPersistentVolumeSource{SecretRef: ref()}}
	case 1:
		return corev1.PersistentVolumeSource{CephFS: &corev1.CephFSPersistentVolumeSource{SecretRef: ref()}}
	case 2:
		return corev1.PersistentVolumeSource{AzureFile: &corev1.AzureFilePersistentVolumeSource{SecretName: Pick(w.r, wNames...)}}
	case 3:
		return corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}
	}
	c := &corev1.CSIPersistentVolumeSource{Driver: "d"}
	if w.r.P(0.5) {
		c.NodePublishSecretRef = ref()
	}
	if w.r.P(0.5) {
		c.NodeStageSecretRef = ref()
	}
	if w.r.P(0.5) {
		c.ControllerPublishSecretRef = ref()
	}
	return corev1.PersistentVolumeSource{CSI: c}
}

func (w *world) pod() *corev1.Pod {
	r := w.r
	w.uid++
	p := pod(Pick(r, wNS...), Pick(r, wPods...), "", fmt.Sprintf("uid-%d", w.uid))
	if r.P(0.85) {
		p.Spec.NodeName = Pick(r, wNodes...)
	}
	if r.P(0.8) {
		p.Spec.ServiceAccountName = Pick(r, wSAs...)
	}
	if r.P(0.08) {
		p.Annotations = map[string]string{"kubernetes.io/config.mirror": "x"}
	}
	for i := r.Intn(4); i > 0; i-- {
		n := Pick(r, wNames...)
		var vs corev1.VolumeSource
		switch r.Intn(6) {
		case 0:
			vs.Secret = &corev1.SecretVolumeSource{SecretName: n}
		case 1:
			vs.ConfigMap = &corev1.ConfigMapVolumeSource{LocalObjectReference: lor(n)}
		case 2, 3:
			vs.PersistentVolumeClaim = &corev1.PersistentVolumeClaimVolumeSource{ClaimName: n}
		case 4:
			vs.Ephemeral = &corev1.EphemeralVolumeSource{VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{}}
		case 5:
			vs.Projected = &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{Secret: &corev1.SecretProjection{LocalObjectReference: lor(n)}}, {ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: lor(Pick(r, wNames...))}}}}
		}
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: fmt.Sprintf("v%d", i), VolumeSource: vs})
	}
	if r.P(0.4) {
		c := corev1.Container{Name: "c"}
		if r.P(0.5) {
			c.EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: lor(Pick(r, wNames...))}}}
		} else {
			c.Env = []corev1.EnvVar{{Name: "E", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: lor(Pick(r, wNames...)), Key: "k"}}}}
		}
		if r.P(0.3) {
			p.Spec.InitContainers = []corev1.Container{c}
		} else {
			p.Spec.Containers = []corev1.Container{c}
		}
	}
	if r.P(0.15) {
		p.Spec.ImagePullSecrets = []corev1.LocalObjectReference{lor(Pick(r, wNames...))}
	}
	if r.P(0.25) {
		p.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "rc", ResourceClaimName: ptr.To(Pick(r, wNames...))}}
	}
	return p
}

func (w *world) mutate() {
	r := w.r
	switch x := r.Float64(); {
	case x < 0.5:
		w.s.event("ADDED", w.pod())
	case x < 0.58: // a change that keeps node and uid
		for _, st := range w.s.Steps {
			if p, ok := st.Object.(*corev1.Pod); ok {
				if cur, ok := w.s.store["Pod/"+p.Namespace+"/"+p.Name].(*corev1.Pod); ok && r.P(0.5) {
					n := cur.DeepCopy()
					if r.P(0.5) {
						n.Spec.EphemeralContainers = append(n.Spec.EphemeralContainers, corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "e", EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: lor(Pick(r, wNames...))}}}}})
					} else {
						n.Spec.Volumes = append(n.Spec.Volumes, corev1.Volume{Name: "late", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: Pick(r, wNames...)}}})
					}
					w.s.event("MODIFIED", n)
					return
				}
			}
		}
	case x < 0.68:
		w.s.event("DELETED", pod(Pick(r, wNS...), Pick(r, wPods...), "", ""))
	case x < 0.82:
		c := Pick(r, wNames...)
		if r.P(0.1) {
			c = ""
		}
		w.s.event("ADDED", pv(Pick(r, wPVs...), w.src(), Pick(r, wNS...), c))
	case x < 0.87:
		w.s.event("DELETED", pv(Pick(r, wPVs...), corev1.PersistentVolumeSource{}, "", ""))
	case x < 0.92:
		w.s.event("ADDED", va("va-"+Pick(r, wNames...), Pick(r, "n1", "n2", "n3", "")))
	case x < 0.94:
		w.s.event("DELETED", va("va-"+Pick(r, wNames...), ""))
	case x < 0.98:
		n := "sl-" + Pick(r, wNames...)
		if w.s.store["ResourceSlice//"+n] == nil { // nodeName is immutable
			w.s.event("ADDED", slice(n, ptr.To(Pick(r, wNodes...))))
		}
	default:
		w.s.event("DELETED", slice("sl-"+Pick(r, wNames...), nil))
	}
}

func (w *world) request() Request {
	r := w.r
	n := Pick(r, "n1", "n1", "n2", "n3", "n9")
	q := nodeReq(n, Pick(r, "get", "get", "get", "get", "list", "watch", "create", "update", "patch", "delete"), "", "", "", Pick(r, wNS...), Pick(r, wNames...))
	switch r.Intn(13) {
	case 0, 1, 2:
		q.Resource = "secrets"
	case 3, 4:
		q.Resource = "configmaps"
	case 5:
		q.Resource = "persistentvolumeclaims"
		if r.P(0.4) {
			q.Subresource = "status"
		}
		if r.P(0.3) {
			q.Name = Pick(r, wPods...) + "-v" + Pick(r, "1", "2", "3")
		}
	case 6, 7:
		q.Resource, q.Namespace, q.Name = "persistentvolumes", "", Pick(r, wPVs...)
	case 8:
		q.Resource, q.Name = "serviceaccounts", Pick(r, wSAs...)
		if r.P(0.5) {
			q.Verb, q.Subresource = "create", "token"
		}
	case 9:
		q.Resource, q.Name = "pods", Pick(r, wPods...)
		if r.P(0.25) {
			q.Name = ""
			q.FieldSelector = "spec.nodeName=" + Pick(r, wNodes...)
			q.Verb = Pick(r, "list", "watch")
		}
		if r.P(0.25) {
			q.Subresource = Pick(r, "status", "eviction", "log")
		}
	case 10:
		q.APIGroup, q.Resource, q.Namespace, q.Name = "storage.k8s.io", "volumeattachments", "", "va-"+Pick(r, wNames...)
	case 11:
		q.APIGroup, q.Resource, q.Namespace, q.Name = "resource.k8s.io", "resourceslices", "", "sl-"+Pick(r, wNames...)
		if r.P(0.2) {
			q.Verb, q.Name, q.FieldSelector = Pick(r, "list", "watch", "deletecollection"), "", "spec.nodeName="+Pick(r, wNodes...)
		}
	case 12:
		switch r.Intn(3) {
		case 0:
			q.APIGroup, q.Resource = "resource.k8s.io", "resourceclaims"
		case 1:
			q.Resource, q.Namespace, q.Name = "nodes", "", Pick(r, wNodes...)
			if r.P(0.3) {
				q.Subresource = "status"
			}
		case 2:
			q.APIGroup, q.Resource, q.Namespace, q.Name = "coordination.k8s.io", "leases", Pick(r, "kube-node-lease", "a"), Pick(r, wNodes...)
		}
	}
	// half of the time ask for something that a pod of the world refers to, mostly from its own node
	if r.P(0.5) {
		var pods []*corev1.Pod
		for _, ns := range wNS {
			for _, x := range wPods {
				if p, ok := w.s.store["Pod/"+ns+"/"+x].(*corev1.Pod); ok {
					pods = append(pods, p)
				}
			}
		}
		if len(pods) > 0 {
			p := pods[r.Intn(len(pods))]
			if p.Spec.NodeName != "" && r.P(0.85) {
				n = p.Spec.NodeName
			}
			var refs [][2]string
			for _, v := range p.Spec.Volumes {
				switch {
				case v.Secret != nil:
					refs = append(refs, [2]string{"secrets", v.Secret.SecretName})
				case v.ConfigMap != nil:
					refs = append(refs, [2]string{"configmaps", v.ConfigMap.Name})
				case v.PersistentVolumeClaim != nil:
					c := v.PersistentVolumeClaim.ClaimName
					refs = append(refs, [2]string{"persistentvolumeclaims", c})
					for _, x := range wPVs {
						if v, ok := w.s.store["PersistentVolume//"+x].(*corev1.PersistentVolume); ok && v.Spec.ClaimRef != nil && v.Spec.ClaimRef.Name == c && v.Spec.ClaimRef.Namespace == p.Namespace {
							refs = append(refs, [2]string{"persistentvolumes", x}, [2]string{"persistentvolumes", x})
							if c := v.Spec.CSI; c != nil && c.NodeStageSecretRef != nil {
								refs = append(refs, [2]string{"secrets", c.NodeStageSecretRef.Name})
							}
							if c := v.Spec.CSI; c != nil && c.ControllerPublishSecretRef != nil {
								refs = append(refs, [2]string{"secrets", c.ControllerPublishSecretRef.Name})
							}
						}
					}
				case v.Ephemeral != nil:
					refs = append(refs, [2]string{"persistentvolumeclaims", p.Name + "-" + v.Name})
				}
			}
			for _, x := range p.Spec.ImagePullSecrets {
				refs = append(refs, [2]string{"secrets", x.Name})
			}
			for _, x := range p.Spec.ResourceClaims {
				refs = append(refs, [2]string{"resourceclaims", *x.ResourceClaimName})
			}
			refs = append(refs, [2]string{"serviceaccounts", p.Spec.ServiceAccountName}, [2]string{"pods", p.Name})
			x := refs[r.Intn(len(refs))]
			q = nodeReq(n, "get", "", x[0], "", p.Namespace, x[1])
			switch x[0] {
			case "persistentvolumes":
				q.Namespace = ""
			case "resourceclaims":
				q.APIGroup = "resource.k8s.io"
			case "serviceaccounts":
				if r.P(0.5) {
					q.Verb, q.Subresource = "create", "token"
				}
			case "secrets", "configmaps":
				q.Verb = Pick(r, "get", "get", "list", "watch")
			}
			return q
		}
	}
	if q.Subresource == "" && q.Resource != "leases" && q.Resource != "nodes" && r.P(0.7) && q.FieldSelector == "" {
		q.Verb = "get"
	}
	return q
}
