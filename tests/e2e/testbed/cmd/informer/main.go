// SPDX-License-Identifier: Apache-2.0

// informer runs client-go's shared informer on the ConfigMaps of one namespace and prints what it hears, one line an event:
// "synced", then "add NAME", "update NAME", "delete NAME". It ends when its standard input does.
// As a controller would, it lists and watches, and takes up its watch again when the stream ends.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	kubeconfig := flag.String("kubeconfig", os.Getenv("KUBECONFIG"), "file that says where and as whom")
	namespace := flag.String("namespace", "default", "whose ConfigMaps")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	stop := make(chan struct{})
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(*namespace))
	informer := factory.Core().V1().ConfigMaps().Informer()
	say := func(what string, object any) {
		if gone, isTombstone := object.(cache.DeletedFinalStateUnknown); isTombstone {
			object = gone.Obj
		}
		if m, isConfigMap := object.(*corev1.ConfigMap); isConfigMap {
			fmt.Println(what, m.Name)
		}
	}
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(object any) { say("add", object) },
		UpdateFunc: func(before, after any) {
			if before.(*corev1.ConfigMap).ResourceVersion != after.(*corev1.ConfigMap).ResourceVersion {
				say("update", after)
			}
		},
		DeleteFunc: func(object any) { say("delete", object) },
	}); err != nil {
		log.Fatal(err)
	}
	factory.Start(stop)
	if !cache.WaitForCacheSync(stop, informer.HasSynced) {
		log.Fatal("the cache did not sync")
	}
	fmt.Println("synced")
	io.Copy(io.Discard, os.Stdin)
	close(stop)
}
