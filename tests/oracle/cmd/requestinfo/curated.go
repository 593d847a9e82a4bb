// SPDX-License-Identifier: Apache-2.0

package main

import "strings"

func curated() [][2]string {
	var out [][2]string
	g := func(ts ...string) {
		for _, t := range ts {
			out = append(out, [2]string{"GET", t})
		}
	}
	ms := func(t string, ms ...string) {
		for _, m := range ms {
			out = append(out, [2]string{m, t})
		}
	}
	all := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "Get", "LIST", "WATCH", "PROPFIND", "FOO", "M-SEARCH", "delete", "X_Y!#$%&'*+-.^`|~"}
	for _, t := range []string{
		"/api/v1/pods", "/api/v1/namespaces/default/pods", "/api/v1/namespaces/default/pods/p1", "/api/v1/namespaces/default/pods/p1/status",
		"/api/v1/namespaces/default/pods/p1/exec?command=ls&stdin=true", "/api/v1/namespaces/default/pods/p1/attach", "/api/v1/namespaces/default/pods/p1/portforward?ports=80",
		"/api/v1/namespaces/default/pods/p1/log?follow=true", "/api/v1/namespaces/default/pods/p1/proxy", "/api/v1/namespaces/default/pods/p1/proxy/a/b?c=d",
		"/api/v1/namespaces", "/api/v1/namespaces/ns1", "/api/v1/namespaces/ns1/status", "/api/v1/namespaces/ns1/finalize", "/api/v1/namespaces/ns1/finalizer",
		"/apis/apps/v1/namespaces/default/deployments/d/scale", "/apis/apps/v1/deployments", "/healthz", "/", "/api", "/apis", "/api/v1", "/apis/apps", "/apis/apps/v1",
		"/api/v1/watch/pods", "/api/v1/proxy/nodes/n1/a/b", "/api/v1/nodes/n1/proxy/metrics",
	} {
		ms(t, all...)
	}
	g("/openapi/v2", "/openapi/v3", "/openapi/v3/apis/apps/v1", "/version", "/version/", "/livez", "/readyz?verbose", "/livez/ping", "/metrics", "/metrics/cadvisor", "/logs", "/logs/", "/debug/pprof/", "/debug/pprof", "/debug/pprof/profile?seconds=3", "/.well-known/openid-configuration", "/openid/v1/jwks", "/swagger.json", "/ui", "/favicon.ico", "/flagz", "/statusz")
	// prefixes and depths
	g("/api/", "/apis/", "//", "///", "/api//", "/api//v1", "/api/v1/", "/api/v1//", "/api/v1///", "/apis/apps/", "/apis/apps//", "/apis/apps/v1/", "/apis//v1/pods", "/apis//", "/apis///", "/apis/apps//deployments", "/api//v1/pods", "/api//pods", "//api/v1/pods", "///api/v1/pods", "/api/v1//pods", "/api/v1/pods/", "/api/v1/pods//", "/api/v1/pods//status", "/api/v1/pods/p1//", "/api/v1/pods/p1//x", "/API/v1/pods", "/Api/v1/pods", "/apis/v1/pods", "/apis/apps/pods", "/api/v1/x", "/api/v2/pods", "/api/v1beta1/pods", "/apix/v1/pods", "/apis2/apps/v1/pods", "/other/apps/v1/namespaces/x/pods/p", "/k8s/clusters/c1/api/v1/pods")
	// namespaces
	g("/api/v1/namespaces/", "/api/v1/namespaces//", "/api/v1/namespaces//pods", "/api/v1/namespaces//pods/p", "/api/v1/namespaces/ns1/", "/api/v1/namespaces/ns1//", "/api/v1/namespaces/ns1//p", "/api/v1/namespaces/ns1/status/", "/api/v1/namespaces/ns1/status/x", "/api/v1/namespaces/ns1/finalize/x/y", "/api/v1/namespaces/ns1/pods/status", "/api/v1/namespaces/ns1/namespaces", "/api/v1/namespaces/ns1/namespaces/ns2", "/api/v1/namespaces/ns1/namespaces/ns2/pods", "/api/v1/namespaces/status", "/api/v1/namespaces/status/status", "/api/v1/namespaces/namespaces", "/api/v1/namespaces/namespaces/namespaces/namespaces", "/apis/apps/v1/namespaces", "/apis/apps/v1/namespaces/ns1", "/apis/apps/v1/namespaces/ns1/status", "/apis/apps/v1/namespaces/ns1/finalize", "/apis/x.example.com/v1/namespaces/ns1/status/name", "/api/v1/Namespaces/ns1/pods", "/api/v1/namespace/ns1/pods", "/api/v1/pods/namespaces/x", "/api/v1/namespaces/a/b/c/d/e/f/g/h")
	ms("/api/v1/namespaces/ns1/finalize", "PUT")
	ms("/apis/apps/v1/namespaces/ns1/finalize", "PUT", "POST", "DELETE")
	// verbs
	ms("/api/v1/namespaces/ns1/pods/", "DELETE", "POST")
	ms("/api/v1/namespaces/ns1/pods//", "DELETE", "POST", "GET")
	ms("/api/v1/namespaces/ns1/pods//status", "DELETE", "GET", "PUT")
	ms("/api/v1/namespaces/ns1/pods?watch=true", all...)
	ms("/api/v1/namespaces/ns1/pods?fieldSelector=metadata.name%3Dfoo", "DELETE", "POST", "PATCH")
	// watch query
	for _, q := range []string{"watch", "watch=", "watch=1", "watch=0", "watch=true", "watch=false", "watch=True", "watch=TRUE", "watch=t", "watch=T", "watch=f", "watch=yes", "watch=no", "watch=2", "watch=-1", "watch=null", "watch=%74rue", "watch=true&watch=false", "watch=false&watch=true", "Watch=true", "WATCH=1", "watch=true%20", "watch=%20true", "watch=FALSE", "watch=False", "watch=F", "watch=0&limit=x", "watch=1&limit=x", "watch=false&limit=x", "watch=nope&limit=x", "watch&limit=abc", "limit=abc", "limit=5", "limit=99999999999999999999", "timeoutSeconds=abc&watch=1", "timeoutSeconds=30&watch=1", "resourceVersion=abc&watch=1", "resourceVersionMatch=Exact", "allowWatchBookmarks=x&watch=1", "allowWatchBookmarks=true&watch=1", "sendInitialEvents=true&watch=1", "sendInitialEvents=x&watch=1", "continue=xyz", "unknown=1", "watch;", "a=b;watch=true", "a=b;c&watch=true", "watch=true;x", "%zz=1&watch=true", "watch=%zz", "watch=true&x=%zz", "watch=+", "&&watch=1&&", "=&watch=1", "watch=1#frag", "?watch=1", "watch==1", "watch=true=1", "pretty=true", "shardSelector=x", "shardSelector=shardRange(object.metadata.uid,'0x0','0x8')"} {
		g("/api/v1/pods?"+q, "/api/v1/namespaces/ns1/pods/p1?"+q)
	}
	// selectors
	for _, q := range []string{"fieldSelector=metadata.name%3Dfoo", "fieldSelector=metadata.name=foo", "fieldSelector=metadata.name==foo", "fieldSelector=metadata.name%3D%3Dfoo", "fieldSelector=metadata.name!%3Dfoo", "fieldSelector=metadata.name%3D", "fieldSelector=metadata.name", "fieldSelector=", "fieldSelector", "fieldSelector=metadata.name%3Dfoo,spec.nodeName%3Dn1", "fieldSelector=spec.nodeName%3Dn1", "fieldSelector=spec.nodeName%3Dn1,metadata.name%3Dfoo", "fieldSelector=metadata.name%3Dfoo,metadata.name%3Dbar", "fieldSelector=metadata.name%3Dfoo,metadata.name!%3Dbar", "fieldSelector=metadata.name%3Dfoo%2Fbar", "fieldSelector=metadata.name%3D..", "fieldSelector=metadata.name%3D.", "fieldSelector=metadata.name%3D...", "fieldSelector=metadata.name%3Dfoo%25bar", "fieldSelector=metadata.name%3DFoo_BAR%20x", "fieldSelector=metadata.name%3Df%5C%2Coo", "fieldSelector=metadata.name%3Df%5Coo", "fieldSelector=metadata.name%3Df%5C%5Coo", "fieldSelector=metadata.name%3Df%5C%3Doo", "fieldSelector=metadata.name%3Da%3Db", "fieldSelector=x", "fieldSelector=,", "fieldSelector=metadata.name%3Dfoo,", "fieldSelector=metadata.name%3Dfoo&fieldSelector=metadata.name%3Dbar", "fieldSelector=a%3Db&watch=true", "fieldSelector=metadata.name%3Dfoo&watch=true", "fieldSelector=metadata.name%3Dfoo&limit=x", "fieldSelector=metadata.name%3Dfoo&limit=x&watch=1", "fieldSelector=metadata.name%3Dfoo&labelSelector=a%3Db", "FieldSelector=metadata.name%3Dfoo", "fieldSelector=metadata.namespace%3Dx", "fieldSelector=metadata.name%3D%20foo", "fieldSelector=%20metadata.name%3Dfoo", "fieldSelector=metadata.name%20%3D%20foo", "fieldSelector=metadata.name%3Dfoo%20", "fieldSelector=metadata.name%3D%E2%82%AC", "fieldSelector=metadata.name%3D%FF",
		"labelSelector=a%3Db", "labelSelector=a", "labelSelector=!a", "labelSelector=a+in+(b,c)", "labelSelector=a%20in%20(b%2Cc)", "labelSelector=a%20notin%20(b)", "labelSelector=a%20in%20()", "labelSelector=a!%3Db", "labelSelector=a%3D%3Db,c%3Dd", "labelSelector=a>1", "labelSelector=a%3C1", "labelSelector=a%3Eb", "labelSelector=", "labelSelector=%20", "labelSelector=,", "labelSelector=a%3Db,", "labelSelector=a%3Db&labelSelector=c%3Dd", "labelSelector=a%3D%2Fb", "labelSelector=app.kubernetes.io%2Fname%3Dx", "labelSelector=(", "labelSelector=a%3Db&watch=1", "labelSelector=a%20in%20(c,b,a,b)", "labelSelector=a%3D", "labelSelector=%FF%3Db", "labelSelector=a%20%3D%20b", "labelSelector=a%20exists"} {
		g("/api/v1/namespaces/ns1/pods?" + q)
		ms("/api/v1/namespaces/ns1/pods?"+q, "DELETE")
	}
	g("/api/v1/nodes?fieldSelector=metadata.name%3Dn1", "/api/v1/namespaces?fieldSelector=metadata.name%3Dns1", "/api/v1/namespaces?fieldSelector=metadata.name%3Dns1&watch=1", "/api/v1/watch/namespaces/ns1/pods?fieldSelector=metadata.name%3Dp1", "/api/v1/namespaces/ns1/pods/p1?fieldSelector=metadata.name%3Dp2&labelSelector=a%3Db", "/api/v1/namespaces/ns1/pods/p1?watch=1&fieldSelector=metadata.name%3Dp2", "/healthz?fieldSelector=a%3Db&watch=1", "/apis/apps/v1?watch=1")
	// deprecated watch and proxy prefixes
	g("/api/v1/watch", "/api/v1/watch/", "/api/v1/watch//", "/api/v1/watch/pods/", "/api/v1/watch/pods/p", "/api/v1/watch/pods/p/status", "/api/v1/watch/namespaces", "/api/v1/watch/namespaces/ns1", "/api/v1/watch/namespaces/ns1/pods", "/api/v1/watch/namespaces/ns1/pods/p1", "/api/v1/watch/namespaces/ns1/status", "/api/v1/watch/watch", "/api/v1/watch/watch/pods", "/api/v1/watch/proxy/pods", "/api/v1/proxy", "/api/v1/proxy/", "/api/v1/proxy/nodes", "/api/v1/proxy/nodes/n1", "/api/v1/proxy/nodes/n1/status", "/api/v1/proxy/namespaces/ns1/pods/p1", "/api/v1/proxy/namespaces/ns1/services/s:80/a/b/c", "/apis/apps/v1/watch", "/apis/apps/v1/watch/deployments", "/apis/apps/v1/watch/namespaces/ns1/deployments/d", "/apis/apps/v1/proxy", "/apis/apps/v1/proxy/x", "/api/v1/namespaces/watch/pods", "/api/v1/namespaces/proxy", "/api/v1/pods/watch", "/api/v1/Watch/pods", "/api/watch/pods", "/api/watch/watch/pods", "/apis/watch/v1/pods", "/apis/watch/watch/watch", "/apis/watch/watch/watch/pods", "/api/v1/watch/pods?watch=false", "/api/v1/watch/pods?labelSelector=a%3Db")
	ms("/api/v1/watch", "POST", "DELETE", "PUT")
	ms("/api/v1/proxy", "POST", "DELETE", "PUT")
	ms("/api/v1/watch/namespaces/ns1/pods", "POST", "DELETE", "PATCH", "PUT")
	// percent-encoding and odd characters
	g("/api/v1/namespaces/ns1/pods/a%2Fb", "/api/v1/namespaces/ns1%2Fpods/p", "/api/v1/namespaces%2Fns1/pods", "/api%2Fv1/pods", "/%61pi/v1/pods", "/api/v1/%70ods", "/api/v1/namespaces/%6Es1/pods", "/api/v1/pods/%20", "/api/v1/pods/a%20b", "/api/v1/pods/a+b", "/api/v1/pods/a%2Bb", "/api/v1/pods/%", "/api/v1/pods/%4", "/api/v1/pods/%zz", "/api/v1/pods/%00", "/api/v1/pods/%0a", "/api/v1/pods/%7F", "/api/v1/pods/%FF", "/api/v1/pods/%C3%A9", "/api/v1/pods/\xc3\xa9", "/api/v1/pods/\xff", "/api/v1/pods/a;b", "/api/v1/pods;a=b", "/api/v1/pods/a:b", "/api/v1/services/http:s:80/proxy/", "/api/v1/pods/a@b", "/api/v1/pods/a=b&c", "/api/v1/pods/a\\b", "/api/v1/pods/a\"b", "/api/v1/pods/<a>", "/api/v1/pods/{a}", "/api/v1/pods/a|b", "/api/v1/pods/a^b", "/api/v1/pods/a`b", "/api/v1/pods/[a]", "/api/v1/pods/a%3Fb", "/api/v1/pods/a%23b", "/api/v1/pods%3Fwatch=1", "/api/v1/pods#frag", "/api/v1/pods?a#b", "/api/v1/pods/%2e%2e", "/api/v1/pods/%2E", "/api/v1/pods/%252F", "/api/v1/pods/%25", "/api/v1/pods/*", "/api/v1/*", "/api/*/pods", "/*")
	// dot segments
	g("/api/v1/../v1/pods", "/api/v1/./pods", "/api/v1/pods/..", "/api/v1/pods/.", "/api/v1/pods/../nodes", "/./api/v1/pods", "/../api/v1/pods", "/api/v1/namespaces/ns1/../kube-system/secrets", "/api/v1/namespaces/ns1/%2e%2e/kube-system/secrets", "/..", "/.", "/healthz/../api/v1/pods", "/api/v1/pods/...")
	// other request-target forms
	g("*", "http://k8s/api/v1/pods", "https://other:6443/api/v1/pods?watch=1", "HTTP://k8s/api/v1/pods", "http://k8s", "http:///api/v1/pods", "http:/api/v1/pods", "http:api/v1/pods", "ftp://x/api/v1/pods", "file:///api/v1/pods", "k8s:443", "api/v1/pods", "?watch=1", "/api/v1/pods?", "/api/v1/pods??", "/?watch=1", "//k8s/api/v1/pods", "//user@k8s/api/v1/pods", "http://user:pw@k8s/api/v1/pods", "http://[::1]/api/v1/pods", "http://[::1/api/v1/pods", "http://k8s:port/api/v1/pods", "http://k8s/api/v1/pods/%zz", "://x", ":foo", "/:foo", "")
	ms("*", "OPTIONS", "POST", "HEAD")
	ms("k8s:443", "CONNECT", "POST")
	ms("/api/v1/namespaces/ns1/pods/p1/proxy", "CONNECT")
	ms("/api/v1/namespaces/ns1/services/s:80/proxy/x", "CONNECT", "POST", "PATCH")
	// create with a name in the URL, eviction, binding, token, ephemeralcontainers, resize
	ms("/api/v1/namespaces/ns1/pods/p1", "POST")
	for _, s := range []string{"eviction", "binding", "ephemeralcontainers", "resize"} {
		ms("/api/v1/namespaces/ns1/pods/p1/"+s, "POST", "GET", "PATCH", "PUT")
	}
	ms("/api/v1/namespaces/ns1/serviceaccounts/default/token", "POST", "GET")
	ms("/api/v1/namespaces/ns1/bindings", "POST")
	ms("/api/v1/bindings", "POST")
	ms("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "POST")
	ms("/apis/certificates.k8s.io/v1/certificatesigningrequests/c/approval", "PUT", "PATCH", "GET")
	ms("/apis/metrics.k8s.io/v1beta1/nodes", "GET")
	ms("/apis/custom.metrics.k8s.io/v1beta1/namespaces/ns1/pods/*/http_requests", "GET")
	ms("/apis/example.com/v1alpha1/namespaces/ns1/widgets/w/status/deep/er", "GET", "PUT", "PATCH", "DELETE", "POST")
	ms("/apis/"+strings.Repeat("a", 300)+"/v1/x", "GET")
	ms("", "GET")
	ms("/api/v1/pods", "", "G ET", "GET\t")
	return out
}
