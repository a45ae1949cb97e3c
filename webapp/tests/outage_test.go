package tests

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/webapp/internal/cache"
	"groundwork/webapp/internal/server"
	"groundwork/webapp/internal/store"
)

// TestProbes checks that the liveness probe succeeds where the readiness probe fails.
func TestProbes(t *testing.T) {
	empty := database(t)
	db, err := store.Open(func() (string, error) { return empty, nil }, 2)
	require.NoError(t, err)
	t.Cleanup(db.Close)
	s := open(t, nil)
	assert.Equal(t, 200, s.call("GET", "/health", "").status)
	assert.Equal(t, 200, s.call("GET", "/api/health", "").status)
	assert.Equal(t, 200, s.call("GET", "/ready", "").status)
	s.server.Store = db
	unready := s.call("GET", "/ready", "")
	assert.Equal(t, 503, unready.status)
	checks := unready.json(t)["checks"].(map[string]any)
	assert.Contains(t, checks["database"], "unreachable", "there is no schema at all")
	assert.Equal(t, 200, s.call("GET", "/health", "").status)
	s.server.Store = s.store
	s.server.Drain()
	draining := s.call("GET", "/ready", "")
	assert.Equal(t, 503, draining.status)
	assert.Equal(t, "yes", draining.json(t)["checks"].(map[string]any)["draining"])
	assert.Equal(t, 200, s.call("GET", "/api/products", "").status, "it goes on answering while it drains")
}

// TestDatabaseGoesAndComes stops the database and starts it again. Without its database the application is alive and
// unready. It becomes ready again when the database returns.
func TestDatabaseGoesAndComes(t *testing.T) {
	dir, err := os.MkdirTemp("", "webapp-tests-")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	own, err := startPostgres(filepath.Join(dir, "pg"))
	require.NoError(t, err)
	t.Cleanup(own.stop)
	_, err = store.Migrate(context.Background(), own.url("postgres"))
	require.NoError(t, err)
	s := openOn(t, func() (string, error) { return own.url("postgres"), nil }, nil)
	require.Equal(t, 200, s.call("GET", "/ready", "").status)
	own.stop()
	gone := time.Now()
	require.NoError(t, s.awaitReady(5*time.Second, 503))
	assert.Less(t, time.Since(gone), 5*time.Second)
	busy := s.call("GET", "/api/products", "")
	assert.Equal(t, 503, busy.status)
	assert.Equal(t, "1", busy.header.Get("Retry-After"))
	assert.NotContains(t, busy.body, "127.0.0.1", "an answer does not say where the database is")
	assert.Equal(t, 200, s.call("GET", "/health", "").status)
	require.NoError(t, own.start())
	back := time.Now()
	require.NoError(t, s.awaitReady(10*time.Second, 200))
	assert.Less(t, time.Since(back), 10*time.Second)
	assert.NotContains(t, s.logs.String(), "app-password")
}

// rotation changes the password of a user as RDS does with the master user of an instance: there is one user, the
// database has the new password at once, and the secret follows seconds later.
type rotation struct {
	control *pgx.Conn
	// admin is the URL of the database for a user who is not rotated.
	admin string
	// user is the name of the user who is rotated.
	user string
	// file contains the URL with the user and the password of the secret.
	file string
}

// change gives the user a new password and returns the function that writes it to the secret.
func (r rotation) change(t *testing.T, round int) (follow func()) {
	t.Helper()
	password := fmt.Sprintf("pass-%d", round)
	statement := "ALTER ROLE %s PASSWORD '%s'"
	if round == 0 {
		statement = "CREATE ROLE %s LOGIN SUPERUSER PASSWORD '%s'"
	}
	_, err := r.control.Exec(context.Background(), fmt.Sprintf(statement, r.user, password))
	require.NoError(t, err)
	return func() {
		url := strings.Replace(r.admin, "app:app-password", r.user+":"+password, 1)
		require.NoError(t, os.WriteFile(r.file+".new", []byte(url), 0o600))
		require.NoError(t, os.Rename(r.file+".new", r.file))
	}
}

// url returns the URL that the file contains.
func (r rotation) url() (string, error) {
	text, err := os.ReadFile(r.file)
	return string(text), err
}

// rotated starts an application whose database user can be rotated.
func rotated(t *testing.T) (rotation, *shop) {
	t.Helper()
	admin := database(t)
	ctx := context.Background()
	_, err := store.Migrate(ctx, admin)
	require.NoError(t, err)
	control, err := pgx.Connect(ctx, admin)
	require.NoError(t, err)
	t.Cleanup(func() { control.Close(ctx) })
	r := rotation{
		control: control,
		admin:   admin,
		user:    fmt.Sprintf("rotating%d", databases.Add(1)),
		file:    filepath.Join(t.TempDir(), "DATABASE_URL"),
	}
	r.change(t, 0)()
	return r, openOn(t, r.url, nil)
}

// rotationGap is the time in which the database has the new password and the secret still the old one. RDS was seen to
// take six seconds.
const rotationGap = 300 * time.Millisecond

// TestRotation changes the password ten times under load: connections that are open lose nothing, and those that are
// opened after the secret has followed use the new password.
func TestRotation(t *testing.T) {
	r, s := rotated(t)
	var requests, failed atomic.Int64
	stop := make(chan struct{})
	var wait sync.WaitGroup
	for range 6 {
		wait.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				requests.Add(1)
				if a := s.call("GET", "/api/products?limit=5", ""); a.status != 200 {
					failed.Add(1)
				}
			}
		})
	}
	time.Sleep(rotationGap) // Until each worker has a connection.
	for round := 1; round <= 10; round++ {
		follow := r.change(t, round)
		time.Sleep(rotationGap)
		follow()
	}
	// All connections are replaced, so every new one uses the newest password.
	s.store.Reset()
	time.Sleep(rotationGap)
	close(stop)
	wait.Wait()
	assert.Zero(t, failed.Load(), "of %d", requests.Load())
	assert.Greater(t, requests.Load(), int64(500))
}

// TestConnectionsEndInTheGap shows what one user costs: between the change and the secret nobody can sign in. A new pod
// cannot migrate, and an application whose connections end has no database until the secret has followed.
func TestConnectionsEndInTheGap(t *testing.T) {
	r, s := rotated(t)
	require.Equal(t, 200, s.call("GET", "/ready", "").status)
	follow := r.change(t, 1)
	old, err := r.url()
	require.NoError(t, err)
	_, err = store.Migrate(context.Background(), old)
	var refused *pgconn.PgError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "28P01", refused.Code)
	s.store.Reset()
	assert.Equal(t, 503, s.call("GET", "/api/products?limit=5", "").status)
	require.NoError(t, s.awaitReady(5*time.Second, 503), "the load balancer has to hear of it")
	follow()
	require.NoError(t, s.awaitReady(5*time.Second, 200), "no pod has to be restarted")
	assert.Equal(t, 200, s.call("GET", "/api/products?limit=5", "").status)
	current, err := r.url()
	require.NoError(t, err)
	_, err = store.Migrate(context.Background(), current)
	assert.NoError(t, err)
}

// TestWithoutRedis takes the cache away from a running application and checks that it continues to answer.
func TestWithoutRedis(t *testing.T) {
	s := open(t, func(s *server.Server) { s.Cache = cache.New(redisURL) })
	assert.Equal(t, 200, s.call("GET", "/api/products", "").status)
	assert.Equal(t, "ok", s.call("GET", "/ready", "").json(t)["checks"].(map[string]any)["redis"])
	_, err := s.store.Seed(context.Background(), 61)
	require.NoError(t, err)
	before := len(s.call("GET", "/api/products?limit=100", "").json(t)["products"].([]any))
	assert.Equal(t, 61, before)
	s.server.Cache = cache.New(cache.Options{Host: "127.0.0.1", Port: freePort()})
	for range 5 {
		started := time.Now()
		assert.Equal(t, 200, s.call("GET", "/api/products/1", "").status)
		assert.Less(t, time.Since(started), time.Second)
	}
	ready := s.call("GET", "/ready", "")
	assert.Equal(t, 200, ready.status, "it serves from PostgreSQL")
	assert.Contains(t, ready.body, "serving without")
	for i := range 12 {
		a := s.call("POST", "/api/session", `{"email":"x@example.com","password":"wrong password"}`)
		want := map[bool]int{true: 401, false: 429}[i < 10]
		assert.Equal(t, want, a.status, "attempts are counted in the process")
	}
}

// TestRedisIsUsed checks that two caches share their content and their counts through Redis.
func TestRedisIsUsed(t *testing.T) {
	c := cache.New(redisURL)
	defer c.Close()
	ctx := context.Background()
	other := cache.New(redisURL)
	defer other.Close()
	c.Set(ctx, "k", []byte("[1,2]"), time.Minute)
	assert.Equal(t, "[1,2]", string(c.Get(ctx, "k")))
	assert.Equal(t, "[1,2]", string(other.Get(ctx, "k")), "from Redis, not from the process")
	c.Delete(ctx, "k")
	assert.Nil(t, c.Get(ctx, "k"))
	assert.NotNil(t, other.Get(ctx, "k"), "a copy lasts a second")
	require.NoError(t, eventually(3*time.Second, func() error {
		if other.Get(ctx, "k") != nil {
			return errors.New("still there")
		}
		return nil
	}))
	limit := fmt.Sprint("limit", databases.Add(1))
	for i := range 4 {
		assert.Equal(t, i < 3, c.Allow(ctx, limit, 3, time.Second))
	}
	require.NoError(t, eventually(3*time.Second, func() error {
		if !c.Allow(ctx, limit, 3, time.Second) {
			return errors.New("still refused")
		}
		return nil
	}), "a window ends, whatever happens in it")
}

// TestFullQueue sends more requests than the application may work on and checks that it refuses some of them early.
func TestFullQueue(t *testing.T) {
	s := open(t, func(s *server.Server) { s.MaxInFlight = 1 })
	ctx := context.Background()
	control, err := pgx.Connect(ctx, s.database)
	require.NoError(t, err)
	defer control.Close(ctx)
	tx, err := control.Begin(ctx)
	require.NoError(t, err)
	_, err = tx.Exec(ctx, "LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
	require.NoError(t, err)
	var refused atomic.Int64
	var wait sync.WaitGroup
	for range 6 {
		wait.Go(func() {
			a := s.call("GET", "/api/products", "")
			if a.status == 503 {
				refused.Add(1)
				assert.Equal(t, "1", a.header.Get("Retry-After"))
			}
		})
	}
	time.Sleep(1500 * time.Millisecond)
	require.NoError(t, tx.Rollback(ctx))
	wait.Wait()
	assert.GreaterOrEqual(t, refused.Load(), int64(4))
	assert.Equal(t, 200, s.call("GET", "/api/products", "").status, "and then it goes on")
}

// TestDrain ends the context of Serve, as SIGTERM does. The application first becomes unready, then finishes open
// requests, and then ends.
func TestDrain(t *testing.T) {
	s := open(t, nil)
	app, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	metrics, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	other := &server.Server{
		Store:       s.store,
		Cache:       cache.New(cache.Options{}),
		Sessions:    s.server.Sessions,
		Log:         jsonLog(io.Discard),
		MaxInFlight: 4,
	}
	go func() { done <- other.Serve(ctx, app, metrics, 500*time.Millisecond) }()
	get := func(path string) int {
		response, err := http.Get("http://" + app.Addr().String() + path)
		require.NoError(t, err)
		defer response.Body.Close()
		return response.StatusCode
	}
	require.NoError(t, eventually(3*time.Second, func() error {
		c, err := net.Dial("tcp", app.Addr().String())
		if err == nil {
			c.Close()
		}
		return err
	}))
	assert.Equal(t, 200, get("/ready"))
	scraped, err := http.Get("http://" + metrics.Addr().String() + "/metrics")
	require.NoError(t, err)
	text, err := io.ReadAll(scraped.Body)
	require.NoError(t, err)
	assert.Contains(t, string(text), `http_request_seconds_count{route="GET /ready",status="200"}`)
	cancel()
	time.Sleep(100 * time.Millisecond)
	assert.Equal(t, 503, get("/ready"))
	assert.Equal(t, 200, get("/api/products"))
	require.NoError(t, <-done)
}
