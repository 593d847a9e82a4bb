// SPDX-License-Identifier: Apache-2.0

// requestinfo: what the real RequestInfo resolver makes of a request line, as seen behind Go's HTTP/1.1 server.
// Flags: -seed, -n (random cases), -out; -judge FILE asks the request lines of that file again. Format: k8s-requestinfo/1.
package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/filters"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	"k8s.io/apiserver/pkg/endpoints/request"
	genericapiserver "k8s.io/apiserver/pkg/server"
	genericfilters "k8s.io/apiserver/pkg/server/filters"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/api/legacyscheme"

	. "gatehouse/oracle/common"
)

type Info struct {
	IsResourceRequest bool     `json:"isResourceRequest"`
	Path              string   `json:"path"`
	Verb              string   `json:"verb"`
	APIPrefix         string   `json:"apiPrefix"`
	APIGroup          string   `json:"apiGroup"`
	APIVersion        string   `json:"apiVersion"`
	Namespace         string   `json:"namespace"`
	Resource          string   `json:"resource"`
	Subresource       string   `json:"subresource"`
	Name              string   `json:"name"`
	Parts             []string `json:"parts"`
	FieldSelector     string   `json:"fieldSelector"`
	LabelSelector     string   `json:"labelSelector"`
}

type Req struct {
	Key      string   `json:"key"`
	Operator string   `json:"operator"`
	Values   []string `json:"values"`
}

type Sel struct {
	Requirements []Req  `json:"requirements,omitempty"`
	Error        string `json:"error,omitempty"`
}

type Case struct {
	ID     string `json:"id"`
	Method string `json:"method"`
	Target string `json:"target"`
	// HTTP is the status that Go's HTTP/1.1 server itself answers with (0: the request reached the handler).
	HTTP     int    `json:"http,omitempty"`
	HTTPBody string `json:"httpBody,omitempty"`
	// What the handler saw.
	URLPath     string `json:"urlPath"`
	RawPath     string `json:"rawPath,omitempty"`
	RawQuery    string `json:"rawQuery,omitempty"`
	RequestURI  string `json:"requestURI,omitempty"`
	Info        *Info  `json:"info,omitempty"`
	Error       string `json:"error,omitempty"`
	ErrorHTTP   int    `json:"errorHTTP,omitempty"`
	ErrorBody   string `json:"errorBody,omitempty"`
	LongRunning bool   `json:"longRunning,omitempty"`
	Field       *Sel   `json:"fieldSelectorParsed,omitempty"`
	Label       *Sel   `json:"labelSelectorParsed,omitempty"`
	// Forbidden is the message kube-apiserver answers with when user "u" is refused with no reason.
	Forbidden string `json:"forbidden,omitempty"`
	// B64 has the exact bytes of every field above that is not valid UTF-8 (JSON shows U+FFFD there).
	B64 map[string]string `json:"b64,omitempty"`
}

func (c *Case) fixBytes() {
	m := map[string]string{"target": c.Target, "method": c.Method, "urlPath": c.URLPath, "rawPath": c.RawPath, "rawQuery": c.RawQuery, "requestURI": c.RequestURI, "error": c.Error, "errorBody": c.ErrorBody, "forbidden": c.Forbidden}
	if c.Info != nil {
		for k, v := range map[string]string{"path": c.Info.Path, "verb": c.Info.Verb, "apiGroup": c.Info.APIGroup, "apiVersion": c.Info.APIVersion, "namespace": c.Info.Namespace, "resource": c.Info.Resource, "subresource": c.Info.Subresource, "name": c.Info.Name, "fieldSelector": c.Info.FieldSelector, "labelSelector": c.Info.LabelSelector} {
			m["info."+k] = v
		}
		for i, p := range c.Info.Parts {
			m[fmt.Sprintf("info.parts.%d", i)] = p
		}
	}
	for k, v := range m {
		if !utf8.ValidString(v) {
			if c.B64 == nil {
				c.B64 = map[string]string{}
			}
			c.B64[k] = base64.StdEncoding.EncodeToString([]byte(v))
		}
	}
}

var resolver = &request.RequestInfoFactory{}

var longRunning = genericfilters.BasicLongRunningRequestCheck(
	sets.NewString("watch", "proxy"),
	sets.NewString("attach", "exec", "proxy", "log", "portforward"),
)

var current *Case

func handle(w http.ResponseWriter, req *http.Request) {
	c := current
	c.URLPath, c.RawPath, c.RawQuery, c.RequestURI = req.URL.Path, req.URL.RawPath, req.URL.RawQuery, req.RequestURI
	info, err := resolver.NewRequestInfo(req)
	if info != nil {
		c.Info = &Info{info.IsResourceRequest, info.Path, info.Verb, info.APIPrefix, info.APIGroup, info.APIVersion, info.Namespace,
			info.Resource, info.Subresource, info.Name, info.Parts, info.FieldSelector, info.LabelSelector}
		if c.Info.Parts == nil {
			c.Info.Parts = []string{}
		}
	}
	if err != nil {
		c.Error = err.Error()
		rec := httptest.NewRecorder()
		filters.WithRequestInfo(http.NotFoundHandler(), resolver).ServeHTTP(rec, req)
		c.ErrorHTTP, c.ErrorBody = rec.Code, rec.Body.String()
		w.WriteHeader(204)
		return
	}
	c.LongRunning = longRunning(req, info)
	ctx := request.WithRequestInfo(request.WithUser(context.Background(), &user.DefaultInfo{Name: "u"}), info)
	a, err := filters.GetAuthorizerAttributes(ctx)
	Must(err)
	if info.FieldSelector != "" {
		c.Field = &Sel{}
		rs, err := a.GetFieldSelector()
		if err != nil {
			c.Field.Error = err.Error()
		}
		for _, r := range rs {
			c.Field.Requirements = append(c.Field.Requirements, Req{r.Field, string(r.Operator), []string{r.Value}})
		}
	}
	if info.LabelSelector != "" {
		c.Label = &Sel{}
		rs, err := a.GetLabelSelector()
		if err != nil {
			c.Label.Error = err.Error()
		}
		for _, r := range rs {
			c.Label.Requirements = append(c.Label.Requirements, Req{r.Key(), string(r.Operator()), sets.List(sets.New[string](r.ValuesUnsorted()...))})
		}
	}
	c.Forbidden = responsewriters.ForbiddenStatusError(a.(authorizer.Attributes), "").ErrStatus.Message
	w.WriteHeader(204)
}

// client asks the server, over one connection as long as it lasts.
type client struct {
	addr string
	conn net.Conn
	br   *bufio.Reader
}

func (l *client) ask(c *Case) {
	current = c
	for try := 0; try < 2; try++ {
		if l.conn == nil {
			conn, err := net.Dial("tcp", l.addr)
			Must(err)
			l.conn, l.br = conn, bufio.NewReader(conn)
		}
		fmt.Fprintf(l.conn, "%s %s HTTP/1.1\r\nHost: k8s\r\n\r\n", c.Method, c.Target)
		resp, err := http.ReadResponse(l.br, &http.Request{Method: c.Method})
		if err != nil {
			l.close()
			continue
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 204 {
			c.HTTP, c.HTTPBody = resp.StatusCode, string(body)
		}
		if resp.Close || resp.StatusCode != 204 {
			l.close()
		}
		return
	}
	c.HTTP = -1 // the server closed the connection without an answer
}

func (l *client) close() {
	l.conn.Close()
	l.conn = nil
}

// lines are the request lines of a file, byte for byte.
func lines(file string) (out []*Case) {
	var given struct {
		Cases []*Case `json:"cases"`
	}
	text, err := os.ReadFile(file)
	Must(err)
	Must(json.Unmarshal(text, &given))
	exact := func(c *Case, key, value string) string {
		if b, ok := c.B64[key]; ok {
			raw, err := base64.StdEncoding.DecodeString(b)
			Must(err)
			return string(raw)
		}
		return value
	}
	for _, c := range given.Cases {
		out = append(out, &Case{ID: c.ID, Method: exact(c, "method", c.Method), Target: exact(c, "target", c.Target)})
	}
	return
}

func generate(o Opts) (out []*Case) {
	for i, ct := range curated() {
		out = append(out, &Case{ID: fmt.Sprintf("c%03d", i), Method: ct[0], Target: ct[1]})
	}
	r := NewR(o.Seed)
	for i := 0; i < o.N; i++ {
		m, t := random(r)
		out = append(out, &Case{ID: fmt.Sprintf("r%04d", i), Method: m, Target: t})
	}
	return
}

func main() {
	judged := flag.String("judge", "", "ask the request lines of this file again")
	o := Parse(3000)
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	resolver = genericapiserver.NewRequestInfoResolver(genericapiserver.NewConfig(legacyscheme.Codecs))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	Must(err)
	go (&http.Server{Handler: http.HandlerFunc(handle)}).Serve(ln)
	var cases []*Case
	if *judged != "" {
		cases = lines(*judged)
	} else {
		cases = generate(o)
	}
	asker := client{addr: ln.Addr().String()}
	for _, c := range cases {
		asker.ask(c)
		c.fixBytes()
	}
	Write(o, map[string]any{
		"format": "k8s-requestinfo/1", "kubernetes": KubernetesVersion, "seed": o.Seed, "cases": cases,
	})
}
