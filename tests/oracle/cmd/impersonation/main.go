// SPDX-License-Identifier: Apache-2.0

// impersonation: what the real impersonation filters of kube-apiserver make of a request's headers, in front of the
// real RBAC authorizer (behind the system:masters authorizer, as kube-apiserver builds it).
// Flags: -seed, -n (random cases), -out. Format: k8s-impersonation/1, described in tests/vectors/README.md.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"os"
	"sort"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/apis/audit"
	apiaudit "k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/filters/impersonation"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/klog/v2"
)

type User struct {
	Name   string              `json:"name"`
	UID    string              `json:"uid,omitempty"`
	Groups []string            `json:"groups,omitempty"`
	Extra  map[string][]string `json:"extra,omitempty"`
}

func (u *User) info() *user.DefaultInfo {
	return &user.DefaultInfo{Name: u.Name, UID: u.UID, Groups: u.Groups, Extra: u.Extra}
}

// Outcome: what one run gave.
type Outcome struct {
	Result     string            `json:"result"` // none | impersonated | refused
	User       *User             `json:"user,omitempty"`
	Constraint string            `json:"constraint,omitempty"` // the verb that the audit event names
	Code       int               `json:"code,omitempty"`
	Reason     string            `json:"reason,omitempty"`
	Message    string            `json:"message,omitempty"`
	Details    map[string]string `json:"details,omitempty"`
}

type Case struct {
	ID        string   `json:"id"`
	What      string   `json:"what,omitempty"`
	Policy    string   `json:"policy"`
	Gate      string   `json:"gate,omitempty"`    // "legacy": ConstrainedImpersonation is off
	Session   int      `json:"session,omitempty"` // cases of one session meet one filter, in order; others a fresh one each
	Requestor User     `json:"requestor"`
	Method    string   `json:"method"`
	Target    string   `json:"target"`
	Lines     []string `json:"headers"` // header lines as sent over HTTP/1.1
	// Outcomes: every one that Go's map order may give.
	Outcomes []Outcome `json:"outcomes"`
	// AnyOrder: several header names give one extra key; the order of its values is not fixed.
	AnyOrder bool `json:"valuesInAnyOrder,omitempty"`
	// AnyNameOrder: there are several extra names; a message of 400 lists them in no fixed order.
	AnyNameOrder bool `json:"namesInAnyOrder,omitempty"`
}

var resolver = &request.RequestInfoFactory{APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api")}

func codecs() serializer.CodecFactory {
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	return serializer.NewCodecFactory(scheme)
}

var statusCodecs = codecs()

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// filter is one impersonation filter with what the handler behind it saw last.
type filter struct {
	handler http.Handler
	reached *user.DefaultInfo
	asked   bool
}

func newFilter(p *Policy, gate string) *filter {
	f := &filter{}
	next := http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		u, _ := request.UserFrom(req.Context())
		f.reached = &user.DefaultInfo{Name: u.GetName(), UID: u.GetUID(), Groups: u.GetGroups(), Extra: u.GetExtra()}
		for name := range req.Header {
			if f.asked && strings.HasPrefix(name, "Impersonate-") {
				panic("left over: " + name)
			}
		}
	})
	with := impersonation.WithConstrainedImpersonation
	if gate == "legacy" {
		with = impersonation.WithImpersonation
	}
	f.handler = with(next, p.authz, statusCodecs)
	return f
}

func (f *filter) run(c *Case) Outcome {
	raw := c.Method + " " + c.Target + " HTTP/1.1\r\nHost: x\r\n" + strings.Join(c.Lines, "\r\n") + "\r\n\r\n"
	req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	must(err)
	info, err := resolver.NewRequestInfo(req)
	must(err)
	var events sink
	ctx := apiaudit.WithAuditContext(request.WithUser(request.WithRequestInfo(req.Context(), info), c.Requestor.info()))
	must(apiaudit.AuditContextFrom(ctx).Init(apiaudit.RequestAuditConfig{Level: audit.LevelMetadata}, &events))
	f.reached, f.asked = nil, req.Header.Get("Impersonate-User") != ""
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, req.WithContext(ctx))
	if f.reached == nil {
		return refused(w)
	}
	apiaudit.AuditContextFrom(ctx).ProcessEventStage(ctx, audit.StageResponseComplete)
	if events.last.ImpersonatedUser == nil {
		return Outcome{Result: "none"}
	}
	o := Outcome{Result: "impersonated", User: &User{f.reached.Name, f.reached.UID, f.reached.Groups, f.reached.Extra}}
	if m := events.last.AuthenticationMetadata; m != nil {
		o.Constraint = m.ImpersonationConstraint
	}
	return o
}

func refused(w *httptest.ResponseRecorder) Outcome {
	var s metav1.Status
	must(json.Unmarshal(w.Body.Bytes(), &s))
	if int(s.Code) != w.Code || s.Status != "Failure" {
		panic(w.Body.String())
	}
	o := Outcome{Result: "refused", Code: w.Code, Reason: string(s.Reason), Message: s.Message}
	if d := s.Details; d != nil {
		o.Details = map[string]string{"name": d.Name, "group": d.Group, "kind": d.Kind}
	}
	return o
}

type sink struct{ last audit.Event }

func (s *sink) ProcessEvents(events ...*audit.Event) bool {
	for _, e := range events {
		s.last = *e
	}
	return true
}

// judge fills in the outcomes. Go walks the extra headers in no fixed order: where there are several, many runs are made.
func judge(c *Case, p *Policy, f *filter) {
	names, keys := map[string]bool{}, map[string]bool{}
	for _, line := range c.Lines {
		name := strings.ToLower(line[:strings.Index(line, ":")])
		if strings.HasPrefix(name, extraPrefix) {
			names[name] = true
			keys[decoded(name[len(extraPrefix):])] = true
		}
	}
	c.AnyOrder = len(keys) < len(names)
	c.AnyNameOrder = len(names) > 1
	runs := 1
	if c.AnyNameOrder {
		runs = 150
	}
	seen := map[string]bool{}
	for range runs {
		g := f
		if g == nil {
			g = newFilter(p, c.Gate)
		}
		o := g.run(c)
		if c.AnyOrder && o.User != nil {
			for _, values := range o.User.Extra {
				sort.Strings(values)
			}
		}
		if c.AnyNameOrder && o.Code == http.StatusBadRequest && len(c.Outcomes) > 0 {
			break // one will do
		}
		text, err := json.Marshal(o)
		must(err)
		if !seen[string(text)] {
			seen[string(text)] = true
			c.Outcomes = append(c.Outcomes, o)
		}
	}
	sort.Slice(c.Outcomes, func(i, j int) bool { return c.Outcomes[i].Message < c.Outcomes[j].Message })
}

func main() {
	seed := flag.Int64("seed", 1, "seed")
	n := flag.Int("n", 1500, "number of random cases")
	out := flag.String("out", "-", "output file")
	flag.Parse()
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)

	policies, cases := curated()
	random(rand.New(rand.NewSource(*seed)), *n, &policies, &cases)
	byID := map[string]*Policy{}
	for _, p := range policies {
		p.build()
		byID[p.ID] = p
	}
	sessions := map[int]*filter{}
	for _, c := range cases {
		p := byID[c.Policy]
		if c.Session != 0 && sessions[c.Session] == nil {
			sessions[c.Session] = newFilter(p, c.Gate)
		}
		judge(c, p, sessions[c.Session])
	}
	text, err := json.Marshal(map[string]any{
		"format": "k8s-impersonation/1", "kubernetes": "v1.36.3", "seed": *seed, "policies": policies, "cases": cases,
	})
	must(err)
	text = append(text, '\n')
	if *out == "-" {
		_, err = os.Stdout.Write(text)
	} else {
		err = os.WriteFile(*out, text, 0o644)
	}
	must(err)
	fmt.Fprintf(os.Stderr, "%d cases, %d bytes\n", len(cases), len(text))
}
