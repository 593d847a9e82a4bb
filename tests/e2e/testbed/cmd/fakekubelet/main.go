// SPDX-License-Identifier: Apache-2.0

// fakekubelet answers what kube-apiserver asks of a kubelet (exec, attach, port-forward, logs) with no containers behind it.
// In: HTTPS from the API server, over WebSocket or SPDY/3.1.   Out: what the commands below print; one stdout line a request.
// exec knows: echo WORDS | err WORDS (to stderr) | cat | exit N | size (first terminal size) | log WORDS (a line of the pod's log) |
// test -d PATH and tar (as kubectl cp calls them, on files kept in memory). port-forward answers each line in upper case.
// Not here: any check of who asks; it listens on loopback for a test's life.
package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"k8s.io/cri-streaming/pkg/streaming/portforward"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

// node holds what its pods would: one log and one file system, shared by all of them.
type node struct {
	mu    sync.Mutex
	lines []string
	grown chan struct{} // closed and replaced whenever lines grows
	files map[string][]byte
}

func exitCode(code int) error {
	return utilexec.CodeExitError{Err: fmt.Errorf("command terminated with exit code %d", code), Code: code}
}

func (n *node) ExecInContainer(_ context.Context, _, _, _ string, cmd []string, in io.Reader, out, errOut io.WriteCloser,
	_ bool, resize <-chan remotecommand.TerminalSize, _ time.Duration) error {
	words := strings.Join(cmd[1:], " ")
	switch cmd[0] {
	case "echo":
		fmt.Fprintln(out, words)
	case "err":
		fmt.Fprintln(errOut, words)
	case "cat":
		_, err := io.Copy(out, in)
		return err
	case "exit":
		code, err := strconv.Atoi(words)
		if err != nil {
			return err
		}
		return exitCode(code)
	case "size":
		size := <-resize
		fmt.Fprintf(out, "%dx%d\n", size.Width, size.Height)
	case "log":
		n.appendLog(words)
	case "test":
		return exitCode(1) // no folders: kubectl cp then takes the path for a file's name
	case "tar":
		return n.tar(cmd[1:], in, out)
	default:
		return fmt.Errorf("no such command %q", cmd[0])
	}
	return nil
}

// tar does the two calls that kubectl cp makes: "tar xmf - -C FOLDER" (or "--no-same-...") and "tar cf - PATH".
func (n *node) tar(args []string, in io.Reader, out io.Writer) error {
	create, folder, file := false, "", ""
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "cf":
			create = true
		case args[i] == "-C" && i+1 < len(args):
			i++
			folder = args[i]
		case !strings.HasPrefix(args[i], "-"):
			file = args[i]
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if create {
		data, found := n.files[path.Clean(file)]
		if !found {
			return exitCode(2)
		}
		w := tar.NewWriter(out)
		if err := w.WriteHeader(&tar.Header{Name: strings.TrimPrefix(file, "/"), Mode: 0o644, Size: int64(len(data))}); err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
		return w.Close()
	}
	for r := tar.NewReader(in); ; {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var data bytes.Buffer
		if _, err := io.Copy(&data, r); err != nil {
			return err
		}
		n.files[path.Join("/", folder, head.Name)] = data.Bytes()
	}
}

func (n *node) AttachContainer(_ context.Context, name, _, _ string, in io.Reader, out, _ io.WriteCloser, _ bool,
	_ <-chan remotecommand.TerminalSize) error {
	fmt.Fprintf(out, "attached to %s\n", name)
	if in != nil {
		_, err := io.Copy(out, in)
		return err
	}
	return nil
}

func (n *node) PortForward(_ context.Context, _, _ string, port int32, stream io.ReadWriteCloser) error {
	for r := bufio.NewReader(stream); ; {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil
		}
		fmt.Fprintf(stream, "%d:%s", port, strings.ToUpper(line))
	}
}

func (n *node) appendLog(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, line)
	close(n.grown)
	n.grown = make(chan struct{})
}

// serveLog writes what there is, and with follow each later line as soon as it comes, until the asker goes.
func (n *node) serveLog(w http.ResponseWriter, req *http.Request) {
	for next := 0; ; {
		n.mu.Lock()
		lines, grown := n.lines[next:], n.grown
		n.mu.Unlock()
		for _, line := range lines {
			fmt.Fprintln(w, line)
		}
		next += len(lines)
		w.(http.Flusher).Flush()
		if req.FormValue("follow") != "true" {
			return
		}
		select {
		case <-grown:
		case <-req.Context().Done():
			return
		}
	}
}

func (n *node) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	part := strings.Split(strings.Trim(req.URL.Path, "/"), "/") // VERB/NAMESPACE/POD[/CONTAINER]
	fmt.Printf("%s %s upgrade=%q protocols=%q/%q\n", req.Method, req.URL, req.Header.Get("Upgrade"),
		req.Header["X-Stream-Protocol-Version"], req.Header["Sec-Websocket-Protocol"])
	if len(part) < 3 {
		http.NotFound(w, req)
		return
	}
	pod, container := part[2], part[len(part)-1]
	const idle, create = time.Hour, 30 * time.Second
	switch part[0] {
	case "exec", "attach":
		options, err := remotecommand.NewOptions(req)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if part[0] == "attach" {
			remotecommand.ServeAttach(w, req, n, pod, "", container, options, idle, create, remotecommand.SupportedStreamingProtocols)
			return
		}
		remotecommand.ServeExec(w, req, n, pod, "", container, req.URL.Query()["command"], options, idle, create, remotecommand.SupportedStreamingProtocols)
	case "portForward":
		options, err := portforward.NewV4Options(req)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		portforward.ServePortForward(w, req, n, pod, "", options, idle, create, portforward.SupportedProtocols)
	case "containerLogs":
		n.serveLog(w, req)
	default:
		http.NotFound(w, req)
	}
}

// selfSigned makes a certificate for this run; kube-apiserver does not verify it unless it is told to.
func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "fakekubelet"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

func main() {
	addr := flag.String("addr", "127.0.0.1:10250", "where to listen")
	flag.Parse()
	certificate, err := selfSigned()
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{
		Addr:      *addr,
		Handler:   &node{lines: []string{"first line"}, grown: make(chan struct{}), files: map[string][]byte{}},
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}},
		// Upgrades need HTTP/1.1, so HTTP/2 is not offered.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	log.Fatal(server.ListenAndServeTLS("", ""))
}
