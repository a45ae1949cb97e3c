package tests

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
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
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/webapp/internal/cache"
	"groundwork/webapp/internal/server"
	"groundwork/webapp/internal/store"
)

func jsonLog(w io.Writer) *slog.Logger { return slog.New(slog.NewJSONHandler(&locked{w: w}, nil)) }

type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

func TestProducts(t *testing.T) {
	s := open(t, nil)
	seen, cursor := 0, ""
	for {
		list := s.call("GET", "/api/products?limit=25&cursor="+cursor, "").json(t)
		seen += len(list["products"].([]any))
		if cursor = list["next"].(string); cursor == "" {
			break
		}
	}
	assert.Equal(t, 60, seen, "the pages together are all products, each once")
	found := s.call("GET", "/api/products?search=teapot", "").json(t)["products"].([]any)
	assert.NotEmpty(t, found)
	for _, p := range found {
		assert.Contains(t, p.(map[string]any)["name"], "teapot")
	}
	assert.Empty(t, s.call("GET", "/api/products?search=zeppelin", "").json(t)["products"])
	one := s.call("GET", "/api/products/1", "")
	assert.Equal(t, 200, one.status)
	assert.Equal(t, "P00001", one.json(t)["sku"])
	for path, status := range map[string]int{
		"/api/products/999": 404, "/api/products/x": 404, "/api/products/-1": 404, "/api/products?limit=0": 400, "/api/products?limit=101": 400,
		"/api/products?cursor=x": 400, "/api/products?search=" + strings.Repeat("a", 101): 400, "/api/nothing": 404,
	} {
		assert.Equal(t, status, s.call("GET", path, "").status, path)
	}
}

func TestSessions(t *testing.T) {
	s := open(t, nil)
	require.Equal(t, 201, s.call("POST", "/api/users", `{"email":"Ann@Example.com","password":"correct horse"}`).status)
	assert.Equal(t, 409, s.call("POST", "/api/users", `{"email":"ann@example.com","password":"another one"}`).status)
	in := s.call("POST", "/api/session", `{"email":"ann@example.com","password":"correct horse"}`)
	require.Equal(t, 200, in.status)
	assert.Equal(t, 200, s.call("GET", "/api/cart", "", "Authorization", "Bearer "+in.json(t)["token"].(string)).status)
	for _, body := range []string{`{"email":"ann@example.com","password":"wrong password"}`, `{"email":"nobody@example.com","password":"wrong password"}`} {
		a := s.call("POST", "/api/session", body)
		assert.Equal(t, 401, a.status)
		assert.Contains(t, a.body, "address or password is wrong", "an answer does not say who has an account")
	}
	for _, token := range []string{"", "Bearer x", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."} {
		assert.Equal(t, 401, s.call("GET", "/api/cart", "", "Authorization", token).status, token)
	}
	for range 10 {
		s.call("POST", "/api/session", `{"email":"ann@example.com","password":"wrong password"}`)
	}
	a := s.call("POST", "/api/session", `{"email":"ann@example.com","password":"correct horse"}`)
	assert.Equal(t, 429, a.status)
	assert.Equal(t, "300", a.header.Get("Retry-After"))
}

func TestMalformedRequests(t *testing.T) {
	s := open(t, nil)
	who := s.person()
	for body, want := range map[string]string{
		``: "not the JSON", `[]`: "not the JSON", `{"email":1}`: "not the JSON", `{"e":1}`: "unknown field",
		`{"email":"a@example.com","password":"correct horse"} {}`: "more than one",
		`{"email":"nobody","password":"correct horse"}`:           "not an e-mail address",
		`{"email":"a@example.com","password":"short"}`:            "10 to 200 characters",
	} {
		a := s.call("POST", "/api/users", body)
		assert.Equal(t, 400, a.status, body)
		assert.Contains(t, a.body, want, body)
	}
	for body, want := range map[string]string{
		`{}`: "1 to 50 entries", `{"lines":[{"productId":0,"quantity":1}]}`: "is no product", `{"lines":[{"productId":1,"quantity":100}]}`: "outside 1 to 99",
		`{"lines":[{"productId":1,"quantity":1},{"productId":1,"quantity":1}]}`: "there twice", `{"lines":"all"}`: "not the JSON",
	} {
		a := s.call("POST", "/api/orders", body, "Authorization", who, "Idempotency-Key", "12345678")
		assert.Equal(t, 400, a.status, body)
		assert.Contains(t, a.body, want, body)
	}
	assert.Equal(t, 400, s.call("POST", "/api/orders", `{"lines":[{"productId":1,"quantity":1}]}`, "Authorization", who).status, "an order needs a key")
	assert.Equal(t, 413, s.call("POST", "/api/users", `{"email":"`+strings.Repeat("a", 70_000)+`"}`).status)
	assert.Equal(t, 403, s.call("POST", "/sign-out", "", "Origin", "https://elsewhere.example").status, "another site cannot act in somebody's name")
	assert.NotContains(t, s.logs.String(), "correct horse", "no secret is logged")
}

func TestOrders(t *testing.T) {
	s := open(t, nil)
	who := s.person()
	body := `{"lines":[{"productId":2,"quantity":3},{"productId":1,"quantity":1}]}`
	first := s.call("POST", "/api/orders", body, "Authorization", who, "Idempotency-Key", "order-0001")
	require.Equal(t, 201, first.status, first.body)
	again := s.call("POST", "/api/orders", body, "Authorization", who, "Idempotency-Key", "order-0001")
	assert.Equal(t, 200, again.status)
	assert.Equal(t, first.json(t)["id"], again.json(t)["id"], "a retried order is one order")
	assert.Equal(t, 422, s.call("POST", "/api/orders", `{"lines":[{"productId":3,"quantity":1}]}`, "Authorization", who, "Idempotency-Key", "order-0001").status)
	short := s.call("POST", "/api/orders", `{"lines":[{"productId":1,"quantity":99}]}`, "Authorization", who, "Idempotency-Key", "order-0002")
	assert.Equal(t, 409, short.status)
	assert.Contains(t, short.body, "only 20 are left")
	assert.Equal(t, 404, s.call("POST", "/api/orders", `{"lines":[{"productId":9999,"quantity":1}]}`, "Authorization", who, "Idempotency-Key", "order-0003").status)
	orders := s.call("GET", "/api/orders", "", "Authorization", who).json(t)["orders"].([]any)
	assert.Len(t, orders, 1, "what failed left nothing")
	assert.Empty(t, s.call("GET", "/api/orders", "", "Authorization", s.person()).json(t)["orders"], "orders are their owner's")
}

// TestStockIsNeverNegative: twenty people want the last pieces at the same time, and each sends the order twice.
func TestStockIsNeverNegative(t *testing.T) {
	s := open(t, nil)
	var sold atomic.Int64
	var wait sync.WaitGroup
	for i := range 20 {
		who := s.person()
		for range 2 {
			wait.Go(func() {
				a := s.call("POST", "/api/orders", `{"lines":[{"productId":1,"quantity":2},{"productId":2,"quantity":2}]}`, "Authorization", who, "Idempotency-Key", fmt.Sprintf("last-pieces-%d", i))
				if a.status == 201 {
					sold.Add(2)
				}
				assert.Contains(t, []int{200, 201, 409}, a.status, a.body)
			})
		}
	}
	wait.Wait()
	first, err := s.store.Product(context.Background(), 1)
	require.NoError(t, err)
	assert.Equal(t, int64(20), sold.Load(), "of 21 pieces, two at a time")
	assert.Equal(t, 1, first.Stock, "what was sold is what is missing")
}

func TestCart(t *testing.T) {
	s := open(t, nil)
	who := s.person()
	require.Equal(t, 204, s.call("PUT", "/api/cart/5", `{"quantity":2}`, "Authorization", who).status)
	require.Equal(t, 204, s.call("PUT", "/api/cart/5", `{"quantity":4}`, "Authorization", who).status)
	require.Equal(t, 204, s.call("PUT", "/api/cart/6", `{"quantity":1}`, "Authorization", who).status)
	assert.Len(t, s.call("GET", "/api/cart", "", "Authorization", who).json(t)["lines"], 2)
	require.Equal(t, 201, s.call("POST", "/api/orders", `{"lines":[{"productId":5,"quantity":4}]}`, "Authorization", who, "Idempotency-Key", "cart-0001").status)
	assert.Len(t, s.call("GET", "/api/cart", "", "Authorization", who).json(t)["lines"], 1, "what was ordered left the cart")
	require.Equal(t, 204, s.call("PUT", "/api/cart/6", `{"quantity":0}`, "Authorization", who).status)
	assert.Empty(t, s.call("GET", "/api/cart", "", "Authorization", who).json(t)["lines"])
	assert.Equal(t, 404, s.call("PUT", "/api/cart/9999", `{"quantity":1}`, "Authorization", who).status)
	assert.Equal(t, 400, s.call("PUT", "/api/cart/1", `{"quantity":-1}`, "Authorization", who).status)
}

// TestProbes: alive and ready are different questions.
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
	assert.Contains(t, unready.json(t)["checks"].(map[string]any)["database"], "unreachable", "there is no schema at all")
	assert.Equal(t, 200, s.call("GET", "/health", "").status)
	s.server.Store = s.store
	s.server.Drain()
	draining := s.call("GET", "/ready", "")
	assert.Equal(t, 503, draining.status)
	assert.Equal(t, "yes", draining.json(t)["checks"].(map[string]any)["draining"])
	assert.Equal(t, 200, s.call("GET", "/api/products", "").status, "it goes on answering while it drains")
}

// TestDatabaseGoesAndComes: without its database the application is alive, unready and honest; when it is back, so is the
// application.
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
	require.NoError(t, eventually(5*time.Second, func() error {
		if status := s.call("GET", "/ready", "").status; status != 503 {
			return fmt.Errorf("%d", status)
		}
		return nil
	}))
	assert.Less(t, time.Since(gone), 5*time.Second)
	busy := s.call("GET", "/api/products", "")
	assert.Equal(t, 503, busy.status)
	assert.Equal(t, "1", busy.header.Get("Retry-After"))
	assert.NotContains(t, busy.body, "127.0.0.1", "an answer does not say where the database is")
	assert.Equal(t, 200, s.call("GET", "/health", "").status)
	require.NoError(t, own.start())
	back := time.Now()
	require.NoError(t, eventually(10*time.Second, func() error {
		if status := s.call("GET", "/ready", "").status; status != 200 {
			return fmt.Errorf("%d", status)
		}
		return nil
	}))
	assert.Less(t, time.Since(back), 10*time.Second)
	assert.NotContains(t, s.logs.String(), "app-password")
}

// TestRotation: the password changes twenty times under load, with two users in turn as Secrets Manager does it, and no
// request fails.
func TestRotation(t *testing.T) {
	admin := database(t)
	ctx := context.Background()
	_, err := store.Migrate(ctx, admin)
	require.NoError(t, err)
	control, err := pgx.Connect(ctx, admin)
	require.NoError(t, err)
	defer control.Close(ctx)
	prefix := fmt.Sprintf("rotating%d_", databases.Add(1))
	file := filepath.Join(t.TempDir(), "DATABASE_URL")
	rotate := func(round int) {
		user, password := fmt.Sprint(prefix, round%2), fmt.Sprintf("pass-%d", round)
		if round < 2 {
			_, err = control.Exec(ctx, fmt.Sprintf("CREATE ROLE %s LOGIN SUPERUSER PASSWORD '%s'", user, password))
		} else {
			_, err = control.Exec(ctx, fmt.Sprintf("ALTER ROLE %s PASSWORD '%s'", user, password))
		}
		require.NoError(t, err)
		url := strings.Replace(admin, "app:app-password", user+":"+password, 1)
		require.NoError(t, os.WriteFile(file+".new", []byte(url), 0o600))
		require.NoError(t, os.Rename(file+".new", file))
	}
	rotate(0)
	s := openOn(t, func() (string, error) {
		text, err := os.ReadFile(file)
		return string(text), err
	}, nil)
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
	for round := 1; round <= 20; round++ {
		rotate(round)
		// Everybody has to connect anew, with the new password.
		_, err := control.Exec(ctx, "SELECT 1")
		require.NoError(t, err)
		s.store.Reset()
		time.Sleep(100 * time.Millisecond)
	}
	close(stop)
	wait.Wait()
	assert.Zero(t, failed.Load(), "of %d", requests.Load())
	assert.Greater(t, requests.Load(), int64(500))
}

// TestWithoutRedis: the cache goes away in the middle; answers go on.
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
		assert.Equal(t, map[bool]int{true: 401, false: 429}[i < 10], a.status, "attempts are counted in the process")
	}
}

// TestRedisIsUsed: a second reader gets what the first one read.
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

// TestFullQueue: more than the application can work on is told to come back, at once and politely.
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

// TestDrain: on SIGTERM the application turns unready first, finishes what it has begun, and then ends.
func TestDrain(t *testing.T) {
	s := open(t, nil)
	app, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	metrics, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	other := &server.Server{Store: s.store, Cache: cache.New(cache.Options{}), Sessions: s.server.Sessions, Log: jsonLog(io.Discard), MaxInFlight: 4}
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
