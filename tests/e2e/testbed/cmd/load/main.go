// SPDX-License-Identifier: Apache-2.0

// load sends GETs from several workers until its time or its count is used up, or its standard input ends, and prints one JSON object:
// how many were answered, how many failed and how, and how long they took. Nothing is retried here beyond what Go's own transport does
// (a request that the server said it has not handled: GOAWAY, REFUSED_STREAM), so a failure is one that a client would have seen.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// result is what one worker saw; main adds them up.
type result struct {
	Answered  int            `json:"answered"`
	NotDialed int            `json:"not_dialed"` // no connection to be had, so nothing was sent: refused, or reset before TLS was up
	Failed    int            `json:"failed"`     // an error, or a status of 500 and more, before or instead of the answer's head
	Later     int            `json:"later"`      // 429 or 503 with Retry-After: the server's word to ask again, which client-go heeds by itself
	Truncated int            `json:"truncated"`  // the head came but the body ended early: nobody can retry that
	Why       map[string]int `json:"why"`
	took      []time.Duration
}

func (r *result) add(other result) {
	r.Answered += other.Answered
	r.NotDialed += other.NotDialed
	r.Failed += other.Failed
	r.Later += other.Later
	r.Truncated += other.Truncated
	for why, n := range other.Why {
		r.Why[why] += n
	}
	r.took = append(r.took, other.took...)
}

func (r *result) get(client *http.Client, url string) {
	begin := time.Now()
	connected := false
	// Go's own retry takes another connection, for which it may have to dial anew: GetConn begins each attempt.
	trace := &httptrace.ClientTrace{
		GetConn: func(string) { connected = false },
		GotConn: func(httptrace.GotConnInfo) { connected = true },
	}
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(context.Background(), trace), http.MethodGet, url, nil)
	if err != nil {
		log.Fatal(err)
	}
	var dial *net.OpError
	answer, err := client.Do(request)
	switch {
	case err != nil && (!connected || errors.As(err, &dial) && dial.Op == "dial"): // the latter after a retry of Go's own
		r.NotDialed++
		time.Sleep(10 * time.Millisecond)
		return
	case err != nil:
		r.Failed++
		r.Why[err.Error()]++
		return
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	switch {
	case err != nil:
		r.Truncated++
		r.Why[err.Error()]++
	case answer.StatusCode >= 429 && answer.Header.Get("Retry-After") != "":
		r.Later++
		r.Why[fmt.Sprintf("%d %.200s", answer.StatusCode, body)]++
	case answer.StatusCode >= 500:
		r.Failed++
		r.Why[fmt.Sprintf("%d %.200s", answer.StatusCode, body)]++
	default:
		r.Answered++
		r.took = append(r.took, time.Since(begin))
	}
}

func newClient(kubeconfig string, http1 bool) (*http.Client, string, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, "", err
	}
	if http1 {
		config.NextProtos = []string{"http/1.1"}
	}
	config.Timeout = 30 * time.Second
	// A transport of its own for each worker, so that connections are not shared: client-go would hand out a cached one.
	config.Dial = (&net.Dialer{Timeout: 5 * time.Second}).DialContext
	client, err := rest.HTTPClientFor(config)
	return client, strings.TrimSuffix(config.Host, "/"), err
}

func main() {
	kubeconfig := flag.String("kubeconfig", os.Getenv("KUBECONFIG"), "file that says where and as whom")
	target := flag.String("path", "/api/v1/namespaces/default/configmaps?limit=5", "what to GET")
	workers := flag.Int("workers", 4, "how many ask at once, each over its own connection")
	limit := flag.Duration("time", 30*time.Second, "for how long at most")
	count := flag.Int("count", 100000, "how many requests each worker makes at most")
	rate := flag.Int("rate", 100, "how many requests a second each worker makes at most")
	http1 := flag.Bool("http1", false, "HTTP/1.1 instead of HTTP/2")
	flag.Parse()

	ctx, stop := context.WithTimeout(context.Background(), *limit)
	defer stop()
	go func() {
		bufio.NewReader(os.Stdin).ReadString('\n')
		stop()
	}()
	total := result{Why: map[string]int{}}
	var mu sync.Mutex
	var group sync.WaitGroup
	for range *workers {
		client, host, err := newClient(*kubeconfig, *http1)
		if err != nil {
			log.Fatal(err)
		}
		group.Go(func() {
			mine := result{Why: map[string]int{}}
			tick := time.NewTicker(time.Second / time.Duration(*rate))
			defer tick.Stop()
			for n := 0; n < *count && ctx.Err() == nil; n++ {
				mine.get(client, host+*target)
				select {
				case <-tick.C:
				case <-ctx.Done():
				}
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(mine)
		})
	}
	group.Wait()
	slices.Sort(total.took)
	quantile := func(q float64) float64 {
		if len(total.took) == 0 {
			return 0
		}
		return float64(total.took[int(q*float64(len(total.took)-1))].Microseconds()) / 1000
	}
	json.NewEncoder(os.Stdout).Encode(struct {
		result
		P50 float64 `json:"p50_ms"`
		P99 float64 `json:"p99_ms"`
		Max float64 `json:"max_ms"`
	}{total, quantile(0.5), quantile(0.99), quantile(1)})
}
