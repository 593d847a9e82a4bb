// SPDX-License-Identifier: Apache-2.0
//go:build tools

// Package tools names etcd's server, which scripts/e2e builds.
package tools

import _ "go.etcd.io/etcd/server/v3"
