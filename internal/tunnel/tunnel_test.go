package tunnel_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/command"
	"groundwork/internal/tunnel"
)

// TestMain makes this binary the groundwork command for the processes of a tunnel.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "tunnel" {
		if err := command.Run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// world is an account with a bastion and a Kubernetes API behind it.
type world struct {
	t       *testing.T
	target  tunnel.Target
	api     *httptest.Server
	manager *manager
	dir     string
}

// newWorld starts the stand-ins. The aws command is a script that keeps the state of the bastion in a file.
func newWorld(t *testing.T, bastion string) *world {
	api := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, io.MultiReader(strings.NewReader(r.URL.Path+" "), r.Body))
	}))
	t.Cleanup(api.Close)
	w := &world{t: t, api: api, manager: newManager(t, api.Listener.Addr().String()), dir: t.TempDir()}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	// The certificate of httptest is for example.com.
	w.target = tunnel.Target{
		Cluster: "groundwork-prod", Region: "eu-west-1", Host: "example.com", Port: free.Addr().(*net.TCPAddr).Port,
	}
	require.NoError(t, free.Close())
	script, err := os.ReadFile("testdata/aws")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(w.dir, "aws"), script, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(w.dir, "state"), []byte(bastion), 0o644))
	t.Setenv("PATH", w.dir+":"+os.Getenv("PATH"))
	t.Setenv("XDG_CACHE_HOME", w.dir)
	t.Setenv("AWS_ENDPOINT_URL_SSM", w.manager.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	return w
}

// open opens the tunnel. Its server ends a second after the last connection.
func (w *world) open() error {
	self, err := os.Executable()
	require.NoError(w.t, err)
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	return tunnel.Open(ctx, w.target, self, "tunnel", "serve", "--idle", "1s")
}

// client returns a client that speaks to the port of the tunnel, as a kubeconfig says.
func (w *world) client() *http.Client {
	transport := w.api.Client().Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.ServerName = w.target.Host
	w.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

func (w *world) get(client *http.Client, path, body string) (string, error) {
	url := fmt.Sprintf("https://127.0.0.1:%d%s", w.target.Port, path)
	response, err := client.Post(url, "text/plain", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	out, err := io.ReadAll(response.Body)
	return string(out), err
}

func (w *world) calls() string {
	out, err := os.ReadFile(filepath.Join(w.dir, "calls"))
	require.NoError(w.t, err)
	return string(out)
}

// TestToken: the command of a kubeconfig starts a bastion that is stopped, opens a tunnel, and prints a token. The API
// then answers on the port of the cluster, with its own certificate. The tunnel closes when nobody uses it.
func TestToken(t *testing.T) {
	w := newWorld(t, "stopped")
	require.NoError(t, w.open())
	var out, progress bytes.Buffer
	require.NoError(t, command.Run(t.Context(), append([]string{"tunnel", "token"}, w.target.Flags()...), nil, &out,
		&progress))
	assert.Contains(t, out.String(), "ExecCredential")
	assert.Contains(t, w.calls(), "start-instances --instance-ids i-1")
	assert.Contains(t, w.calls(), "Name=tag:Name,Values=groundwork-prod-bastion")
	assert.Contains(t, w.calls(), "eks get-token --cluster-name groundwork-prod")
	assert.Equal(t, "AWS-StartPortForwardingSessionToRemoteHost", w.manager.started[0]["DocumentName"])
	assert.Equal(t, "i-1", w.manager.started[0]["Target"])
	parameters := w.manager.started[0]["Parameters"].(map[string]any)
	assert.Equal(t, []any{"example.com"}, parameters["host"])
	assert.Equal(t, []any{"443"}, parameters["portNumber"])

	client := w.client()
	large := strings.Repeat("kubernetes ", 50_000)
	answer, err := w.get(client, "/version", large)
	require.NoError(t, err)
	assert.Equal(t, "/version "+large, answer)
	assert.Equal(t, 1, w.manager.sessions(), "one session serves every connection")
	client.CloseIdleConnections()
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", w.target.Port))
		if err == nil {
			conn.Close()
		}
		return err != nil
	}, 20*time.Second, 50*time.Millisecond, "the tunnel stays open without use")
}

// TestTunnelDies: after a session has died, the next connection opens another one.
func TestTunnelDies(t *testing.T) {
	w := newWorld(t, "running")
	require.NoError(t, w.open())
	client := w.client()
	_, err := w.get(client, "/before", "")
	require.NoError(t, err)
	w.manager.drop()
	require.Eventually(t, func() bool {
		answer, err := w.get(client, "/after", "")
		return err == nil && answer == "/after "
	}, 20*time.Second, 100*time.Millisecond)
	assert.Equal(t, 2, w.manager.sessions())
}

// TestOneServer: several clients that start at once share one tunnel.
func TestOneServer(t *testing.T) {
	w := newWorld(t, "running")
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() { assert.NoError(t, w.open()) })
	}
	clients.Wait()
	assert.Equal(t, 1, w.manager.sessions())
}

// TestRefusals: the error says what is wrong.
func TestRefusals(t *testing.T) {
	w := newWorld(t, "")
	assert.ErrorContains(t, w.open(), "there is no instance groundwork-prod-bastion in eu-west-1: the platform layer")

	w = newWorld(t, "denied")
	assert.ErrorContains(t, w.open(), "UnauthorizedOperation")

	w = newWorld(t, "running")
	other := httptest.NewTLSServer(http.NotFoundHandler())
	defer other.Close()
	w.target.Port, w.target.Host = other.Listener.Addr().(*net.TCPAddr).Port, "cluster.eks.amazonaws.com"
	assert.ErrorContains(t, w.open(), "leads somewhere else than to cluster.eks.amazonaws.com")
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	w.target.Port = plain.Listener.Addr().(*net.TCPAddr).Port
	assert.ErrorContains(t, w.open(), "leads somewhere else than to cluster.eks.amazonaws.com")
}

// TestSilentSession: a session that accepts connections and never answers is replaced, and what the client has said is
// said again.
func TestSilentSession(t *testing.T) {
	echo := func(silent bool) string {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		t.Cleanup(func() { listener.Close() })
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				if !silent {
					go func() { _, _ = io.Copy(conn, conn) }()
				}
			}
		}()
		return listener.Addr().String()
	}
	var started, stopped atomic.Int32
	server := &tunnel.Server{Idle: time.Minute, Answer: 100 * time.Millisecond,
		Start: func(context.Context) (*tunnel.Session, error) {
			ended := make(chan struct{})
			return &tunnel.Session{Address: echo(started.Add(1) == 1), Ended: ended, Stop: func() {
				stopped.Add(1)
				close(ended)
			}}, nil
		}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- server.Serve(ctx, listener) }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	_, err = conn.Write([]byte("hello"))
	require.NoError(t, err)
	answer := make([]byte, 5)
	_, err = io.ReadFull(conn, answer)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(answer))
	assert.EqualValues(t, 1, stopped.Load(), "the silent session was not stopped")
	cancel()
	assert.NoError(t, <-ended)
}

// TestSessionThatCannotStart: the server ends with the reason, which the process that waits for the tunnel then shows.
func TestSessionThatCannotStart(t *testing.T) {
	server := &tunnel.Server{Idle: time.Minute, Answer: time.Second,
		Start: func(context.Context) (*tunnel.Session, error) { return nil, errors.New("no credentials") }}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() {
		conn, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			conn.Close()
		}
	}()
	assert.ErrorContains(t, server.Serve(t.Context(), listener), "no credentials")
}
