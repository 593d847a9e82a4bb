// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	. "gatehouse/oracle/common"
)

var (
	rGroups = []string{"apps", "batch", "rbac.authorization.k8s.io", "networking.k8s.io", "storage.k8s.io", "example.com", "", "watch", "v1", "namespaces", "metrics.k8s.io"}
	rVers   = []string{"v1", "v1", "v1", "v1beta1", "v2alpha3", "", "watch", "namespaces"}
	rRes    = []string{"pods", "pods", "nodes", "services", "secrets", "configmaps", "deployments", "jobs", "namespaces", "widgets", "endpoints", "events", "serviceaccounts", "persistentvolumes", "leases", "watch", "proxy", "status", "", "clusterroles"}
	rNS     = []string{"default", "kube-system", "ns1", "ns2", "a", "status", "finalize", "", "watch", "UPPER", "x%2Fy", "n-1"}
	rNames  = []string{"foo", "bar", "a-b", "x.y.z", "status", "", "http:svc:80", "node%2F1", "%20", "A_b", "watch", "namespaces", "a+b", "p%3A1", "é"}
	rSubs   = []string{"status", "scale", "exec", "log", "proxy", "portforward", "attach", "binding", "eviction", "finalize", "token", "", "foo", "approval", "ephemeralcontainers"}
	rMeth   = []string{"GET", "GET", "GET", "GET", "GET", "POST", "POST", "PUT", "PATCH", "DELETE", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", "LIST", "CONNECT", "PURGE"}
	rWatch  = []string{"true", "1", "false", "0", "", "t", "yes", "TRUE", "False", "tRue", "01"}
	rFS     = []string{"metadata.name%3Dfoo", "metadata.name=bar", "metadata.name%3D%3Dx.y", "metadata.name!%3Dfoo", "spec.nodeName%3Dn1", "spec.nodeName%3Dn1%2Cmetadata.name%3Dp", "metadata.name", "metadata.name%3Da%2Fb", "metadata.name%3D..", "metadata.name%3D", "status.phase%3DRunning", "a%3Db%5C%2Cc", "metadata.name%3Da%5C%3Db", "x%3Dy,", "metadata.namespace%3Dkube-system,metadata.name!%3Dx", "a%5Cb%3Dc"}
	rLS     = []string{"a%3Db", "app%20in%20(x%2Cy)", "!gone", "env%20notin%20(prod)", "a%3Db%2Cc!%3Dd", "bad%20in", "k8s-app", "n%3E5", "n%3Cx", "a/b/c%3Dd", "app.kubernetes.io%2Fname%3Dx", "(", "a%3D%3Db", "x+in+(1,2)", ""}
	nonRes  = []string{"/healthz", "/livez", "/readyz", "/version", "/metrics", "/openapi/v2", "/openapi/v3", "/logs/x", "/api", "/apis", "/api/v1", "/apis/apps/v1", "/debug/pprof/heap", "/", "/foo/bar/baz/qux", "/healthz/etcd", "/apis/batch"}
	junk    = []string{"", "/", "//", ".", "..", "%2F", "%2e", "a", "%41", ";x=1", "%", "%g1", " ", "\t", "+", "*", "ÿ", "%E4%BD%A0"}
)

func random(r *R) (string, string) {
	m := Pick(r, rMeth...)
	var p string
	switch {
	case r.P(0.08):
		p = Pick(r, nonRes...)
		if r.P(0.3) {
			p += "/" + Pick(r, junk...)
		}
	default:
		if r.P(0.5) {
			p = "/api/" + Pick(r, rVers...)
		} else {
			p = "/apis/" + Pick(r, rGroups...) + "/" + Pick(r, rVers...)
		}
		if r.P(0.06) {
			p += "/" + Pick(r, "watch", "proxy", "Watch")
		}
		if r.P(0.55) {
			p += "/namespaces/" + Pick(r, rNS...)
		}
		if r.P(0.93) {
			p += "/" + Pick(r, rRes...)
			if r.P(0.6) {
				p += "/" + Pick(r, rNames...)
				if r.P(0.45) {
					p += "/" + Pick(r, rSubs...)
					for r.P(0.2) {
						p += "/" + Pick(r, rNames...)
					}
				}
			}
		}
	}
	if r.P(0.07) {
		p += "/"
	}
	if r.P(0.1) { // mutate
		i := r.Intn(len(p) + 1)
		p = p[:i] + Pick(r, junk...) + p[i:]
	}
	for r.P(0.02) { // any byte that a request line can carry
		i := r.Intn(len(p) + 1)
		b := byte(r.Intn(256))
		if b == '\r' || b == '\n' {
			continue
		}
		if r.P(0.5) {
			p = p[:i] + string([]byte{b}) + p[i:]
		} else {
			p = p[:i] + fmt.Sprintf("%%%02X", b) + p[i:]
		}
	}
	if r.P(0.03) && len(p) > 3 {
		i := 1 + r.Intn(len(p)-1)
		p = p[:i] + p[i+1:]
	}
	if r.P(0.02) {
		p = Pick(r, "http://h", "https://h:1", "http:", "/", "x") + p
	}
	var q []string
	if r.P(0.3) {
		q = append(q, Pick(r, "watch", "watch", "watch", "Watch")+Pick(r, "=", "=", "=", "=", "")+Pick(r, rWatch...))
	}
	if r.P(0.25) {
		q = append(q, "fieldSelector="+Pick(r, rFS...))
	}
	if r.P(0.2) {
		q = append(q, "labelSelector="+Pick(r, rLS...))
	}
	if r.P(0.12) {
		q = append(q, Pick(r, "limit=500", "limit=x", "resourceVersion=0", "timeoutSeconds=10", "timeoutSeconds=z", "pretty=1", "allowWatchBookmarks=true", "allowWatchBookmarks=maybe", "dryRun=All", "%gg=1", "a;b=c", "container=c&tty=1"))
	}
	for r.P(0.04) { // of a list's options, any with any value
		q = append(q, Pick(r, "watch", "limit", "timeoutSeconds", "resourceVersion", "resourceVersionMatch", "continue", "allowWatchBookmarks", "sendInitialEvents", "fieldSelector", "labelSelector")+"="+Pick(r, "", "0", "1", "-1", "true", "false", "x", "99999999999999999999", "%31", "+1", "a%3Db", "metadata.name%3Dfoo", "%FF", "(", "a,b", "1%20"))
	}
	if len(q) > 0 {
		r.Shuffle(len(q), func(i, j int) { q[i], q[j] = q[j], q[i] })
		p += "?" + strings.Join(q, "&")
	}
	return m, p
}
