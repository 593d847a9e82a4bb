// SPDX-License-Identifier: Apache-2.0

// nodeclient does, as a kubelet's client-go client would, what a node may and may not do, and prints a line for each: its name, then
// "ok" or the code, reason and message of the refusal. The lines of two servers that judge alike are the same.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"

	authentication "k8s.io/api/authentication/v1"
	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	storage "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

type client struct {
	*kubernetes.Clientset
	node, other, space, pod, others string
}

func say(name string, err error) {
	var status apierrors.APIStatus
	switch {
	case err == nil:
		fmt.Printf("%s: ok\n", name)
	case errors.As(err, &status):
		fmt.Printf("%s: %d %s %s\n", name, status.Status().Code, status.Status().Reason, status.Status().Message)
	default:
		fmt.Printf("%s: %v\n", name, err)
	}
}

func mirror(name, node string) *core.Pod {
	return &core.Pod{
		ObjectMeta: meta.ObjectMeta{Name: name, Annotations: map[string]string{core.MirrorPodAnnotationKey: "1"}},
		Spec:       core.PodSpec{NodeName: node, Containers: []core.Container{{Name: "c", Image: "i"}}},
	}
}

func (c client) nodes(ctx context.Context) {
	nodes := c.CoreV1().Nodes()
	own, err := nodes.Get(ctx, c.node, meta.GetOptions{})
	say("get its own node", err)
	_, err = nodes.Get(ctx, c.other, meta.GetOptions{})
	say("get another node", err)
	if own == nil {
		return
	}
	change := func(name string, with func(*core.Node)) {
		changed := own.DeepCopy()
		changed.ResourceVersion = ""
		with(changed)
		_, err := nodes.Update(ctx, changed, meta.UpdateOptions{DryRun: []string{"All"}})
		say(name, err)
	}
	change("update its own node", func(n *core.Node) { n.Labels = map[string]string{"kubernetes.io/os": "linux"} })
	change("set a restricted label", func(n *core.Node) { n.Labels = map[string]string{"node-restriction.kubernetes.io/a": "b"} })
	change("set a taint", func(n *core.Node) { n.Spec.Taints = []core.Taint{{Key: "k", Effect: core.TaintEffectNoSchedule}} })
	_, err = nodes.Create(ctx, &core.Node{ObjectMeta: meta.ObjectMeta{Name: c.other}}, meta.CreateOptions{DryRun: []string{"All"}})
	say("create another node", err)
	patch := func(name, node, kind, text string, parts ...string) {
		_, err := nodes.Patch(ctx, node, types.PatchType(kind), []byte(text), meta.PatchOptions{DryRun: []string{"All"}}, parts...)
		say(name, err)
	}
	patch("patch its status", c.node, string(types.StrategicMergePatchType),
		`{"status":{"conditions":[{"type":"Ready","status":"True","reason":"r","message":"m"}]}}`, "status")
	patch("patch another's status", c.other, string(types.StrategicMergePatchType), `{"status":{}}`, "status")
	patch("patch a restricted label", c.node, string(types.MergePatchType), `{"metadata":{"labels":{"node-restriction.kubernetes.io/a":"b"}}}`)
	patch("patch a label", c.node, string(types.JSONPatchType), `[{"op":"add","path":"/metadata/annotations","value":{"a":"b"}}]`)
}

func (c client) pods(ctx context.Context) {
	pods := c.CoreV1().Pods(c.space)
	_, err := pods.Get(ctx, c.pod, meta.GetOptions{})
	say("get a pod of its own", err)
	_, err = pods.Get(ctx, c.others, meta.GetOptions{})
	say("get a pod of another node", err)
	_, err = pods.List(ctx, meta.ListOptions{})
	say("list all pods", err)
	_, err = pods.List(ctx, meta.ListOptions{FieldSelector: "spec.nodeName=" + c.node})
	say("list its own pods", err)
	create := func(name string, pod *core.Pod) {
		_, err := pods.Create(ctx, pod, meta.CreateOptions{DryRun: []string{"All"}})
		say(name, err)
	}
	create("create a mirror pod without an owner", mirror("m", c.node))
	create("create a mirror pod for another node", mirror("m", c.other))
	plain := mirror("m", c.node)
	plain.Annotations = nil
	create("create a pod that is no mirror", plain)
	say("delete a pod of its own", pods.Delete(ctx, c.pod, meta.DeleteOptions{DryRun: []string{"All"}}))
	say("delete a pod of another node", pods.Delete(ctx, c.others, meta.DeleteOptions{DryRun: []string{"All"}}))
	say("delete a pod that is not there", pods.Delete(ctx, "gone", meta.DeleteOptions{DryRun: []string{"All"}}))
	say("evict a pod of another node", pods.EvictV1(ctx, &policy.Eviction{
		ObjectMeta: meta.ObjectMeta{Name: c.others}, DeleteOptions: &meta.DeleteOptions{DryRun: []string{"All"}}}))
	_, err = pods.Patch(ctx, c.pod, types.StrategicMergePatchType, []byte(`{"status":{"message":"m"}}`), meta.PatchOptions{DryRun: []string{"All"}}, "status")
	say("patch the status of a pod of its own", err)
	_, err = pods.Patch(ctx, c.others, types.StrategicMergePatchType, []byte(`{"status":{"message":"m"}}`), meta.PatchOptions{DryRun: []string{"All"}}, "status")
	say("patch the status of another's pod", err)
	_, err = pods.Patch(ctx, c.pod, types.StrategicMergePatchType, []byte(`{"metadata":{"labels":{"a":"b"}}}`), meta.PatchOptions{DryRun: []string{"All"}}, "status")
	say("patch a label of a pod of its own", err)
}

func (c client) rest(ctx context.Context) {
	lease := func(name, space, called string) {
		_, err := c.CoordinationV1().Leases(space).Create(ctx, &coordination.Lease{ObjectMeta: meta.ObjectMeta{Name: called}}, meta.CreateOptions{DryRun: []string{"All"}})
		say(name, err)
	}
	lease("create its own lease", "kube-node-lease", c.node)
	lease("create another's lease", "kube-node-lease", c.other)
	lease("create a lease elsewhere", c.space, c.node)
	csi := func(name, called string) {
		_, err := c.StorageV1().CSINodes().Create(ctx, &storage.CSINode{ObjectMeta: meta.ObjectMeta{Name: called}}, meta.CreateOptions{DryRun: []string{"All"}})
		say(name, err)
	}
	csi("create its own CSINode", c.node)
	csi("create another's CSINode", c.other)
	token := func(name, account string, bound *authentication.BoundObjectReference) {
		_, err := c.CoreV1().ServiceAccounts(c.space).CreateToken(ctx, account,
			&authentication.TokenRequest{Spec: authentication.TokenRequestSpec{BoundObjectRef: bound}}, meta.CreateOptions{DryRun: []string{"All"}})
		say(name, err)
	}
	token("ask for a token bound to nothing", "default", nil)
	token("ask for a token bound to another's pod", "default", &authentication.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: c.others, UID: "u"})
	token("ask for a token of another account", "nobody", nil)
	_, err := c.CoreV1().Secrets(c.space).Get(ctx, "not-mine", meta.GetOptions{})
	say("get a secret of nobody", err)
	_, err = c.CoreV1().Secrets(c.space).List(ctx, meta.ListOptions{})
	say("list secrets", err)
	_, err = c.CoreV1().ConfigMaps("kube-system").Get(ctx, "extension-apiserver-authentication", meta.GetOptions{})
	say("get a config map of nobody", err)
}

func main() {
	kubeconfig := flag.String("kubeconfig", os.Getenv("KUBECONFIG"), "file that says where and as whom")
	content := flag.String("content-type", "application/json", "of what is sent and asked for")
	c := client{}
	flag.StringVar(&c.node, "node", "n1", "its own node")
	flag.StringVar(&c.other, "other", "n2", "another node")
	flag.StringVar(&c.space, "namespace", "ns1", "of the pods")
	flag.StringVar(&c.pod, "pod", "p1", "a pod of its own")
	flag.StringVar(&c.others, "others-pod", "p2", "a pod of another node")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	config.ContentType = *content
	config.AcceptContentTypes = *content
	config.QPS, config.Burst = 1000, 1000
	if c.Clientset, err = kubernetes.NewForConfig(config); err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	c.nodes(ctx)
	c.pods(ctx)
	c.rest(ctx)
}
