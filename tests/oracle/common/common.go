// SPDX-License-Identifier: Apache-2.0

// Package common holds the small helpers shared by the oracle programs.
package common

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"
)

const KubernetesVersion = "v1.36.3"

// Opts are the flags every oracle takes.
type Opts struct {
	Seed int64
	N    int
	Out  string
}

func Parse(defN int) Opts {
	o := Opts{}
	flag.Int64Var(&o.Seed, "seed", 1, "seed")
	flag.IntVar(&o.N, "n", defN, "number of random cases")
	flag.StringVar(&o.Out, "out", "-", "output file")
	flag.Parse()
	return o
}

// R is a deterministic random source.
type R struct{ *rand.Rand }

func NewR(seed int64) *R { return &R{rand.New(rand.NewSource(seed))} }

func Pick[T any](r *R, xs ...T) T { return xs[r.Intn(len(xs))] }

func (r *R) P(p float64) bool { return r.Float64() < p }

func Some[T any](r *R, max int, xs []T) []T {
	n := 1 + r.Intn(max)
	if n > len(xs) {
		n = len(xs)
	}
	perm := r.Perm(len(xs))
	out := make([]T, 0, n)
	for i := 0; i < n; i++ {
		out = append(out, xs[perm[i]])
	}
	return out
}

func Must(err error) {
	if err != nil {
		panic(err)
	}
}

// Write writes v as compact JSON, one array element of "cases" per line so that diffs stay readable.
func Write(o Opts, v any) {
	b, err := json.Marshal(v)
	Must(err)
	b = append(b, '\n')
	if o.Out == "-" {
		os.Stdout.Write(b)
		return
	}
	Must(os.WriteFile(o.Out, b, 0o644))
	fmt.Fprintf(os.Stderr, "%s: %d bytes\n", o.Out, len(b))
}
