package tests

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"groundwork/webapp/internal/auth"
	"groundwork/webapp/internal/cache"
	"groundwork/webapp/internal/server"
	"groundwork/webapp/internal/store"
)

// postgres and redisURL are the real servers that all tests share.
var (
	postgres *pgServer
	redisURL cache.Options
)

func TestMain(m *testing.M) {
	code, err := withServices(m)
	if err != nil {
		const need = "tests need PostgreSQL 15 and Redis (apt-get install postgresql-15 redis-server):"
		fmt.Fprintln(os.Stderr, need, err)
		os.Exit(1)
	}
	os.Exit(code)
}

// withServices runs the tests between the start and the end of PostgreSQL and Redis.
func withServices(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "webapp-tests-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	if postgres, err = startPostgres(filepath.Join(dir, "pg")); err != nil {
		return 1, err
	}
	defer postgres.stop()
	port := freePort()
	redis := exec.Command("redis-server",
		"--port", fmt.Sprint(port),
		"--bind", "127.0.0.1",
		"--save", "",
		"--dir", dir,
		"--requirepass", "redis-password",
	)
	if err := redis.Start(); err != nil {
		return 1, err
	}
	defer redis.Process.Kill()
	redisURL = cache.Options{Host: "127.0.0.1", Port: port, Password: "redis-password"}
	answers := func() error { return cache.New(redisURL).Check(context.Background()) }
	if err := eventually(10*time.Second, answers); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// freePort returns a port of the loopback interface that no process listens on.
func freePort() int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// eventually calls f until f succeeds or the time limit is over.
func eventually(limit time.Duration, f func() error) error {
	deadline := time.Now().Add(limit)
	for {
		err := f()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// pgServer is a PostgreSQL server that the tests start.
type pgServer struct {
	dir  string
	port int
	cmd  *exec.Cmd
}

// pgBin is the directory of PostgreSQL 15, which production uses, or of the oldest newer version.
var pgBin = func() string {
	// Glob sorts its matches, and with them the versions.
	found, _ := filepath.Glob("/usr/lib/postgresql/1[5-9]/bin")
	if len(found) == 0 {
		return "/usr/lib/postgresql/15/bin"
	}
	return found[0]
}()

// asPostgres returns a command of PostgreSQL. Root runs it as the user postgres, because PostgreSQL refuses to run as
// root.
func asPostgres(name string, args ...string) *exec.Cmd {
	program := filepath.Join(pgBin, name)
	if os.Getuid() == 0 {
		switched := []string{"--reuid=postgres", "--regid=postgres", "--clear-groups", program}
		return exec.Command("setpriv", append(switched, args...)...)
	}
	return exec.Command(program, args...)
}

// startPostgres initializes a server in dir and starts it.
func startPostgres(dir string) (*pgServer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if os.Getuid() == 0 {
		// PostgreSQL runs as another user, who needs access to the directory.
		if out, err := exec.Command("chown", "postgres:postgres", dir).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%w: %s", err, out)
		}
		if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
			return nil, err
		}
	}
	password := dir + "-password"
	if err := os.WriteFile(password, []byte("app-password\n"), 0o644); err != nil {
		return nil, err
	}
	init := asPostgres("initdb", "-D", dir, "-U", "app", "--auth=scram-sha-256", "--pwfile="+password, "--no-sync")
	if out, err := init.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	s := &pgServer{dir: dir, port: freePort()}
	return s, s.start()
}

// start starts the server and waits until it accepts connections.
func (s *pgServer) start() error {
	s.cmd = asPostgres("postgres",
		"-D", s.dir,
		"-p", fmt.Sprint(s.port),
		"-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories="+s.dir,
		"-c", "fsync=off",
		"-c", "max_connections=100",
	)
	if err := s.cmd.Start(); err != nil {
		return err
	}
	return eventually(20*time.Second, func() error {
		c, err := pgx.Connect(context.Background(), s.url("postgres"))
		if err != nil {
			return err
		}
		return c.Close(context.Background())
	})
}

// stop ends the server and its connections immediately.
func (s *pgServer) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGQUIT)
	_ = s.cmd.Wait()
}

// url returns the connection URL of a database.
func (s *pgServer) url(database string) string {
	return fmt.Sprintf("postgres://app:app-password@127.0.0.1:%d/%s?sslmode=disable", s.port, database)
}

// databases numbers databases, and other names that must be unique.
var databases atomic.Int64

// database creates an empty database and returns its URL.
func database(t testing.TB) string {
	t.Helper()
	ctx := context.Background()
	admin, err := pgx.Connect(ctx, postgres.url("postgres"))
	require.NoError(t, err)
	defer admin.Close(ctx)
	name := fmt.Sprintf("test%d", databases.Add(1))
	_, err = admin.Exec(ctx, "CREATE DATABASE "+name)
	require.NoError(t, err)
	return postgres.url(name)
}

// shop is a running application with a schema and products.
type shop struct {
	t   testing.TB
	url string
	// database is its connection URL.
	database string
	server   *server.Server
	store    *store.Store
	logs     *bytes.Buffer
}

// jsonLog returns a logger that writes JSON to w. Several goroutines may use it.
func jsonLog(w io.Writer) *slog.Logger { return slog.New(slog.NewJSONHandler(&locked{w: w}, nil)) }

// locked is a writer that several goroutines may use.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// open starts an application on a database of its own. If change is not nil, it adapts the server before the start.
func open(t testing.TB, change func(*server.Server)) *shop {
	t.Helper()
	url := database(t)
	_, err := store.Migrate(context.Background(), url)
	require.NoError(t, err)
	return openOn(t, func() (string, error) { return url, nil }, change)
}

// openOn is open on an existing database that has a schema.
func openOn(t testing.TB, url func() (string, error), change func(*server.Server)) *shop {
	t.Helper()
	db, err := store.Open(url, 8)
	require.NoError(t, err)
	t.Cleanup(db.Close)
	_, err = db.Seed(context.Background(), 60)
	require.NoError(t, err)
	text, err := url()
	require.NoError(t, err)
	s := &shop{t: t, store: db, database: text, logs: &bytes.Buffer{}}
	s.server = &server.Server{
		Store:       db,
		Cache:       cache.New(cache.Options{}),
		Sessions:    auth.NewSessions([]byte(strings.Repeat("k", 32))),
		Log:         jsonLog(s.logs),
		MaxInFlight: 16,
	}
	if change != nil {
		change(s.server)
	}
	web := httptest.NewServer(s.server.Handler())
	t.Cleanup(web.Close)
	s.url = web.URL
	return s
}

// answer is a response whose body has been read.
type answer struct {
	status int
	header http.Header
	body   string
}

// json decodes the body.
func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var value map[string]any
	require.NoError(t, json.Unmarshal([]byte(a.body), &value), a.body)
	return value
}

// call sends a request and does not follow redirects. Headers are pairs of a name and a value.
func (s *shop) call(method, path, body string, headers ...string) answer {
	s.t.Helper()
	request, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	require.NoError(s.t, err)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       20 * time.Second,
	}
	response, err := client.Do(request)
	require.NoError(s.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	return answer{response.StatusCode, response.Header, string(text)}
}

// order places an order for the user with an Authorization header.
func (s *shop) order(who, key, body string) answer {
	s.t.Helper()
	return s.call("POST", "/api/orders", body, "Authorization", who, "Idempotency-Key", key)
}

// awaitReady waits until the readiness probe answers with a status.
func (s *shop) awaitReady(limit time.Duration, status int) error {
	return eventually(limit, func() error {
		if got := s.call("GET", "/ready", "").status; got != status {
			return fmt.Errorf("%d", got)
		}
		return nil
	})
}

// people numbers the users of all tests.
var people atomic.Int64

// person creates an account and returns an Authorization header for it.
func (s *shop) person() string {
	s.t.Helper()
	body := fmt.Sprintf(`{"email":"p%d@example.com","password":"correct horse"}`, people.Add(1))
	a := s.call("POST", "/api/users", body)
	require.Equal(s.t, 201, a.status, a.body)
	return "Bearer " + a.json(s.t)["token"].(string)
}
