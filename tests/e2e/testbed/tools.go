// SPDX-License-Identifier: Apache-2.0
//go:build tools

// Package tools names the programs of other modules that scripts/e2e builds, so that go.mod and go.sum hold all they need.
package tools

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kubectl"
)
